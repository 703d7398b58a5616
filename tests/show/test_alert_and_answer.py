"""Sarah is handed to an adviser, who reads the alert, says not yet, and gets her back: with a real
webhook server, a real mail server, and Kafka's own console consumer.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import re
import time
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import default
from typing import Any

import asyncpg
import httpx
from aiosmtpd.controller import Controller

from deploy.local import ports
from services.scorer.shipped import shipped_text
from shared.database import create_engine
from shared.outbound import destinations
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.integration.router.receiver import Receiver, receiver
from tests.processes import Service, service
from tests.show.console_consumer import Line, console_consumer

DAY_S = 86_400
SARAH = "sarah@home.example"
GUIDE = "Your Guide to a Secure Retirement"


class Mailbox:
    """The adviser's mail server."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(  # noqa: N802 - the interface is aiosmtpd's
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        read = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(read, EmailMessage)
        self.mails.append(read)
        return "250 OK"


async def until(condition: Any, what: str, seconds: float = 90.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.05)
    return found


@contextlib.asynccontextmanager
async def running(settings: Settings, mail_port: int) -> AsyncIterator[tuple[Service, str]]:
    """Ingest, scorer, router and console as processes; ingest, and the console's address."""
    mail = {
        "LEADSCORE_SMTP_URL": f"smtp://127.0.0.1:{mail_port}?starttls=0",
        "LEADSCORE_MAIL_FROM": "Leads <leads@adviser.example>",
    }
    with service("ingest", settings) as ingest, service("console", settings) as console:
        mail["LEADSCORE_PUBLIC_URL"] = console_url = f"http://127.0.0.1:{console.port}"
        with service("scorer", settings) as scorer, service("router", settings, **mail) as router:
            for each in (ingest, console, scorer, router):
                await asyncio.to_thread(each.wait_ready)
            yield ingest, console_url


async def does(ingest: Service, type_: str, days_ago: float, **parts: Any) -> None:
    """Something Sarah did, told by a server of the adviser's."""
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days_ago * DAY_S))
    page = {"path": parts["path"], "title": parts["title"]} if "path" in parts else {}
    call = {
        "event": type_, "userId": "sarah-1", "timestamp": at,
        "messageId": f"{type_}-{days_ago}-{parts.get('path', '')}",
        "properties": parts.get("properties", {}),
        "context": {
            "traits": {"email": SARAH, "first_name": "Sarah", "age": 45},
            "page": page,
        },
    }  # fmt: skip
    answer = await asyncio.to_thread(
        httpx.post,
        f"http://127.0.0.1:{ingest.port}/v1/track",
        json=call,
        auth=("test-secret-key", ""),
        timeout=30,
    )
    assert answer.status_code == 200, answer.text


async def reads_and_watches(ingest: Service) -> None:
    """Nine days of the story, told in order."""
    await does(ingest, "content_downloaded", 10, properties={"title": GUIDE, "content_id": "g"})
    await does(ingest, "email_clicked", 8, properties={"url": "https://a.example/blog/mistakes"})
    await does(ingest, "page_viewed", 7.9, path="/blog/mistakes", title="Common mistakes")
    await does(ingest, "email_clicked", 5, properties={"url": "https://a.example/stories/tom"})
    video = {"title": "Testimonial: Tom and Ann", "percent": 95}
    await does(ingest, "video_watched", 4.9, properties=video)
    await does(ingest, "email_clicked", 1, properties={"url": "https://a.example/blog/alloc"})
    await does(ingest, "page_viewed", 0.9, path="/blog/allocation", title="Investment options")


async def test_an_alert_is_read_answered_and_comes_again(
    settings: Settings, database_url: str
) -> None:
    """What the adviser reads, field by field; "not yet" by the mail's link; a booked consultation
    later she is handed over again, in a new episode.
    """
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, shipped_text("financial-advice"))
    await engine.dispose()
    mailbox = Mailbox()
    mail_port = ports.choose(taken=set())
    post = Controller(mailbox, hostname="127.0.0.1", port=mail_port)
    post.start()
    try:
        async with receiver() as crm, running(settings, mail_port) as (ingest, console_url):
            await _add_destinations(database_url, crm)
            await reads_and_watches(ingest)
            await until(lambda: len(_sales(crm)) == 1, "the CRM has the hand-off")
            await until(lambda: len(mailbox.mails) == 1, "the adviser has the mail")
            (line,) = await asyncio.to_thread(
                console_consumer,
                settings.kafka_bootstrap_servers,
                settings.topics.handoff_sales,
                1,
            )
            packet = line.value
            _read_packet(packet)
            assert line.key == packet["lead_id"]
            _read_headers(line)
            (posted,) = _sales(crm)
            assert posted.body["data"] == packet
            assert posted.id == line.headers["ce_id"]
            _read_mail(mailbox.mails[0])

            await _say_not_yet(mailbox.mails[0], console_url)
            await _stands(console_url, packet["lead_id"], "recycled")
            await until(lambda: "recycled" in _nurtured(crm), "content gets her back")
            assert _given_back(crm)["sales_said"]["said"] == "rejected"
            assert _given_back(crm)["sales_said"]["reason_words"]

            await does(ingest, "meeting_booked", -0.0001, properties={"title": "Consultation"})
            await until(lambda: len(_sales(crm)) == 2, "she is handed over again")
            again = _sales(crm)[1].body["data"]
            assert again["stage"]["episode"] == packet["stage"]["episode"] + 1
            assert again["since_last"]["sequence"] > packet["sequence"]  # her way back to content
            await until(lambda: len(mailbox.mails) == 2, "the adviser has the second mail")
            first, second = mailbox.mails
            assert second["References"] == first["References"] or second["In-Reply-To"]
    finally:
        post.stop()
    assert crm.faults == []


async def _add_destinations(database_url: str, crm: Receiver) -> None:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        crm.secret = await destinations.add(pool, "crm", crm.url, True)
        wishes = {"to": ["ann@adviser.example"], "filter": {"types": ["handoff.sales"]}}
        await destinations.add(pool, "advisers", kind="email", settings=wishes)


def _sales(crm: Receiver) -> list[Any]:
    return [each for each in crm.posted if each.body["type"] == "handoff.sales"]


def _nurtured(crm: Receiver) -> list[str]:
    """The stages by which she was handed to content."""
    content = [each.body for each in crm.posted if each.body["type"] == "handoff.content"]
    return [body["data"]["stage"]["name"] for body in content]


def _given_back(crm: Receiver) -> dict[str, Any]:
    """The packet of her way back to nurturing."""
    given: dict[str, Any] = next(
        each.body["data"]
        for each in crm.posted
        if each.body["type"] == "handoff.content"
        and each.body["data"]["stage"]["name"] == "recycled"
    )
    return given


def _read_packet(packet: dict[str, Any]) -> None:
    """Who, where and since when; scores; why; what she did; what next; what she allows."""
    who = packet["who"]
    assert (who["known"], who["emails"], who["user_ids"]) == (True, [SARAH], ["sarah-1"])
    assert who["traits"]["first_name"] == "Sarah"
    assert "age" not in who["traits"]
    stage = packet["stage"]
    assert (stage["name"], stage["from_stage"], stage["episode"]) == ("validate", "involve", 1)
    assert stage["cause"] == "event"
    assert 40 < packet["scores"]["trust"] < 65
    assert packet["grade"][0] in "ABC"
    assert packet["bands"]["trust"] == "hot"
    assert packet["summary"].startswith("Sarah")
    told = " ".join(packet["story"])
    for deed in (GUIDE, "Testimonial: Tom and Ann", "Common mistakes"):
        assert deed in told, told
    assert packet["reasons"][0]["value"] >= packet["reasons"][-1]["value"]
    assert packet["last_actions"][0]["words"].startswith("clicked a link in")
    assert packet["last_actions"][1]["title"] == "Testimonial: Tom and Ann"
    assert {each["kind"] for each in packet["content"]} >= {"download", "video", "article"}
    assert packet["since_last"] is None or packet["since_last"]["handoff"] == "content"
    assert packet["next"]
    assert packet["suppression"]["suppressed"] is False
    assert packet["consent"]["purposes"]["sales_contact"]["granted"] is True
    assert packet["link"].endswith(f"/v1/leads/{packet['lead_id']}")


def _read_headers(line: Line) -> None:
    assert line.headers["ce_type"] == "com.leadscore.handoff.sales.v1"
    assert line.headers["ce_subject"] == line.key
    assert int(line.headers["ce_sequence"]) == line.value["sequence"]


def _read_mail(mail: EmailMessage) -> None:
    """The same in words, plain and as HTML; nothing is loaded from anywhere."""
    assert mail["To"] == "ann@adviser.example"
    assert "Sarah" in mail["Subject"]
    plain = mail.get_body(("plain",))
    html = mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    for body in (plain.get_content(), html.get_content()):
        folded = " ".join(body.split())
        assert SARAH in folded
        assert "Testimonial: Tom and Ann" in folded
    assert "<img" not in html.get_content()
    assert "/h/" in plain.get_content()  # the adviser answers from plain text, too


async def _say_not_yet(mail: EmailMessage, console_url: str) -> None:
    """A scanner follows the link, which changes nothing; the adviser presses the button."""
    html = mail.get_body(("html",))
    assert html is not None
    links = re.findall(rf"{re.escape(console_url)}/h/[\w.-]+", html.get_content())
    pages = {link: await asyncio.to_thread(httpx.get, link) for link in links}
    (reject,) = {link for link, page in pages.items() if "Turn this lead down" in page.text}
    done = await asyncio.to_thread(
        httpx.post, reject, data={"reason": "not_ready", "note": "wants to read more"}
    )
    assert (done.status_code, "Thank you" in done.text) == (200, True)


async def _stands(console_url: str, lead_id: str, stage: str) -> None:
    def there() -> bool:
        answer = httpx.get(
            f"{console_url}/v1/leads/{lead_id}", headers={"Authorization": "Bearer test-api-token"}
        )
        return bool(answer.json()["stage"] == stage)

    await until(there, f"she is {stage}")

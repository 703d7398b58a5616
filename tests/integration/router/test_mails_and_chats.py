"""Alerts to people: mails over a real SMTP server, and what Slack and Teams take."""

from __future__ import annotations

import asyncio
import contextlib
import email
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

import asyncpg
from aiosmtpd.smtp import SMTP
from starlette.responses import Response

from services.router.main import serve
from shared.outbound import destinations
from shared.outbound.mail import Mailer, read_mailer
from shared.outbound.trial import send_test
from shared.settings import Settings
from tests.integration.router.outbox_rows import ask, fact, new_lead, put, until
from tests.integration.router.receiver import receiver
from tests.integration.router.router_process import running
from tests.integration.router.stored_leads import store_lead
from tests.integration.router.test_webhooks import arrived, waiting

SENDER = "Leads <leads@acme.example>"


@dataclass
class Postman:
    """Takes mails. answer: what is said of each, by how many were offered."""

    answer: Callable[[int], str] = lambda _: "250 OK"
    refuses: set[str] = field(default_factory=set)
    offered: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    receivers: list[list[str]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the interface is aiosmtpd's
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address in self.refuses:
            return "550 5.1.1 nobody here is called so"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the interface is aiosmtpd's
        self, _server: Any, _session: Any, envelope: Any
    ) -> str:
        self.offered += 1
        said = self.answer(self.offered)
        if said.startswith("250"):
            read = email.message_from_bytes(envelope.content, policy=default)
            assert isinstance(read, EmailMessage)
            self.mails.append(read)
            self.receivers.append(list(envelope.rcpt_tos))
        return said


@contextlib.asynccontextmanager
async def post_office() -> AsyncIterator[tuple[Postman, str]]:
    """A real SMTP server, and its URL."""
    postman = Postman()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(postman), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield postman, f"smtp://127.0.0.1:{port}?starttls=0"
    finally:
        server.close()


async def add(database_url: str, name: str, kind: str, url: str = "", **settings: Any) -> None:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        await destinations.add(
            pool, name, url, allow_private=bool(url), kind=kind, settings=settings
        )


def with_mail(settings: Settings, url: str) -> Settings:
    return settings.model_copy(
        update={"mail_from": SENDER, "smtp_url": type(settings.api_token)(url)}
    )


async def handed_over(database_url: str, *seqs: int) -> str:
    """A known lead, and stage changes that hand it to sales."""
    lead = new_lead()
    await store_lead(database_url, lead, [])
    await put(database_url, [fact(lead, seq, handoff="sales") for seq in seqs])
    return lead


async def test_a_hand_off_is_mailed_plain_and_html_as_one_thread_per_lead(
    settings: Settings, database_url: str
) -> None:
    """To all of the destination's addresses; stage changes aren't mailed unless asked for."""
    async with post_office() as (postman, url):
        to = ["ann@acme.example", "bob@acme.example"]
        await add(database_url, "sales", "email", to=to)
        lead = await handed_over(database_url, 1, 2)
        async with running(with_mail(settings, url)):

            async def delivered() -> bool:
                return await waiting(database_url, "sales", "delivered") == 2

            await until(delivered, "both hand-offs are mailed")
    first, second = postman.mails
    assert postman.receivers == [to, to]
    assert first["From"] == SENDER
    assert first["Message-ID"] != second["Message-ID"]
    assert first["References"] == second["References"] == f"<lead-{lead}@acme.example>"
    plain, html = (part.get_content() for part in first.iter_parts())
    assert "sarah@adviser.example" in plain
    assert "sarah@adviser.example" in html
    assert "<html" in html


async def test_4xx_is_tried_again(settings: Settings, database_url: str) -> None:
    """The server says: not now."""
    async with post_office() as (postman, url):
        postman.answer = lambda offered: "451 4.7.1 later, please" if offered == 1 else "250 OK"
        await add(database_url, "sales", "email", to=["ann@acme.example"])
        await handed_over(database_url, 1)
        async with running(with_mail(settings, url), webhook_retry_scale=0.02):

            async def delivered() -> bool:
                return await waiting(database_url, "sales", "delivered") == 1

            await until(delivered, "it is mailed at the second try")
    answers = "SELECT string_agg(answer, ', ' ORDER BY attempt) FROM delivery_attempt"
    assert await ask(database_url, answers) == "SMTP 451, SMTP 250"


async def test_5xx_is_not_tried_again(settings: Settings, database_url: str) -> None:
    """Nobody there is called so; what the server wrote, with the address, isn't kept."""
    async with post_office() as (postman, url):
        postman.refuses = {"ann@acme.example"}
        await add(database_url, "sales", "email", to=["ann@acme.example"])
        await handed_over(database_url, 1)
        async with running(with_mail(settings, url)):

            async def failed() -> bool:
                return await waiting(database_url, "sales", "failed") == 1

            await until(failed, "it has failed")
    assert await ask(database_url, "SELECT string_agg(answer, ' ') FROM delivery_attempt") == (
        "SMTP 550"
    )
    assert postman.mails == []


async def test_without_a_server_a_mail_waits_and_says_why(
    settings: Settings, database_url: str
) -> None:
    """Nothing is used up by what an operator forgot for long."""
    await add(database_url, "sales", "email", to=["ann@acme.example"])
    await handed_over(database_url, 1)
    async with running(settings):

        async def told() -> bool:
            answer = await ask(database_url, "SELECT max(last_answer) FROM delivery")
            return bool(answer and "LEADSCORE_SMTP_URL" in answer)

        await until(told, "the log names the setting")


async def test_settings_that_cannot_be_used_keep_the_router_from_starting(
    settings: Settings,
) -> None:
    """With exit code 2, before it takes up any work."""
    assert await serve(with_mail(settings, "http://mail.example"), asyncio.Event()) == 2


async def test_one_address_of_two_is_enough(settings: Settings) -> None:
    """Who got it must not get it again because another doesn't exist."""
    async with post_office() as (postman, url):
        postman.refuses = {"gone@acme.example"}
        mailer = read_mailer(url, SENDER)
        assert isinstance(mailer, Mailer)
        database_url = settings.database_url.get_secret_value()
        await add(database_url, "s", "email", to=["ann@acme.example", "gone@acme.example"])
        async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
            answer = await send_test(await destinations.find(pool, "s"), mailer)
    assert answer.ok
    assert answer.why == "SMTP 250, but 1 of the addresses refused"
    assert postman.receivers == [["ann@acme.example"]]


async def test_chats_get_what_they_take(settings: Settings, database_url: str) -> None:
    """Slack blocks, Teams an Adaptive Card; neither is signed, and neither gets fields that its
    destination may not see."""
    async with receiver() as slack, receiver() as teams:
        slack.answer = lambda _: Response("ok")
        teams.answer = lambda _: Response(status_code=202)
        await add(database_url, "slack", "slack", slack.url, fields={"exclude": ["who"]})
        await add(database_url, "teams", "teams", teams.url)
        await handed_over(database_url, 1)
        async with running(settings):
            await arrived(slack, 1)
            await arrived(teams, 1)
    (said,), (card,) = slack.posted, teams.posted
    assert said.body["blocks"][0]["type"] == "header"
    assert card.body["attachments"][0]["content"]["type"] == "AdaptiveCard"
    assert "webhook-signature" not in said.headers
    assert "sarah@adviser.example" not in str(said.body)
    assert "sarah@adviser.example" in str(card.body)

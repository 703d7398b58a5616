"""A person's data, sent down every road, is in no log, metric or error of ours."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from deploy.local import ports
from shared.bus import create_consumer
from shared.envelope import Event, Identifiers, instant
from shared.outbound import destinations
from shared.settings import Settings
from tests.integration.ingest.test_sendgrid_webhook import Account, item, items
from tests.integration.scorer.test_process import all_taken, go_live, send, until_ready
from tests.processes import Service, environment, service, wait_for

# Each of the person's texts holds one of these, and nothing else does.
MARKS = ("zanzibar", "66012341299", "203.0.113.77")
EMAIL = "zanzibar.mail@example.com"
PHONE = "+4366012341299"
WHO = {"userId": "u-zanzibar", "anonymousId": "a-zanzibar"}
TRAITS = {"email": EMAIL, "name": "Zanzibar Nadir", "phone": PHONE, "city": "Zanzibar"}
BROWSER = {"user-agent": "Mozilla/5.0 (Windows NT 10.0; Zanzibar) Firefox/144.0"}
KEY = {"authorization": "Bearer test-write-key"}
PAGE = f"https://www.example.com/u/{EMAIL}?token=zanzibar-token&plan=zanzibar-plan"
RULES = """
models:
  engagement:
    decay: none
    rules:
      - {id: demo, on: demo_requested, points: 50}
stages:
  ladder:
    - {name: inform}
    - {name: validate, enter: {engagement: 10}, leave: {engagement: 5}, handoff: sales}
"""


@dataclass
class Roads:
    """Running processes, and what they answered that should tell nothing. api: the console."""

    settings: Settings
    account: Account
    running: dict[str, Service]
    http: httpx.AsyncClient
    refused: list[str] = field(default_factory=list)

    def url(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self.running[name].port}{path}"

    async def send(self, path: str, content: Any, status: int, **headers: str) -> None:
        """Post to ingest; an answer other than 200 is kept."""
        body = json.dumps(content) if isinstance(content, dict) else content
        answer = await self.http.post(
            self.url("ingest", path), content=body, headers={**KEY, **headers}
        )
        self.keep(answer, status)

    async def ask(self, method: str, path: str, status: int, **sent: Any) -> Any:
        """Ask the console; an answer other than 200 is kept. Gives the body."""
        headers = {"authorization": "Bearer test-api-token"}
        answer = await self.http.request(method, self.url("console", path), headers=headers, **sent)
        self.keep(answer, status)
        return answer.json()

    def keep(self, answer: httpx.Response, status: int) -> None:
        assert answer.status_code == status, (answer.request.url.path, answer.text)
        if status != 200:
            self.refused.append(answer.text)


@pytest.fixture
async def roads(settings: Settings) -> AsyncIterator[Roads]:
    """The four processes, logging all they can, and a destination where nobody listens."""
    account = Account()
    await go_live(settings, RULES)
    pool = await asyncpg.create_pool(
        settings.database_url.get_secret_value(), min_size=1, max_size=1
    )
    nobody = f"http://127.0.0.1:{ports.choose(taken=set())}/hook"
    await destinations.add(pool, "nobody", nobody, allow_private=True)
    await pool.close()
    with ExitStack() as stack:
        over = {
            "LEADSCORE_LOG_LEVEL": "debug",
            "LEADSCORE_ROUTER_LEASE_SECONDS": "1",
            "LEADSCORE_SENDGRID_PUBLIC_KEY": account.public_key,
        }
        names = ("ingest", "scorer", "router", "console")
        running = {name: stack.enter_context(service(name, settings, **over)) for name in names}
        await until_ready(*running.values())
        async with httpx.AsyncClient(timeout=30, headers=BROWSER) as http:
            yield Roads(settings, account, running, http)


async def test_nothing_personal_is_in_logs_metrics_and_errors(roads: Roads) -> None:
    """Good input and bad on every road, poison, a conflict, a webhook that fails, a console that
    fails, commands that find nobody. The person is where they should be: lead and dead letters.
    """
    await good_input(roads)
    await bad_input(roads)
    poison = await bad_records(roads)
    dead = await dead_letters(roads.settings, poison + 1)
    await all_taken(roads.settings, 12)
    found: list[Any] = []

    async def known() -> bool:
        page = await roads.ask("POST", "/v1/leads/find", 200, json={"email": f" {EMAIL.upper()}"})
        found[:] = page["items"]
        return bool(found) and found[0]["stage"] == "validate"

    until = time.monotonic() + 60
    while not await known():
        assert time.monotonic() < until, found
        await asyncio.sleep(0.1)
    hooks = roads.running["router"]
    await asyncio.to_thread(
        wait_for, lambda: "message not taken" in hooks.log.read_text(), "a webhook fails"
    )
    await console_errors(roads)
    commands = await asyncio.to_thread(commands_that_find_nobody, roads.settings)
    told = {name: one.log.read_text() for name, one in roads.running.items()}
    told |= {f"{name} metrics": one.answer("/metrics")[1] for name, one in roads.running.items()}
    told |= {f"error {number}": text for number, text in enumerate(roads.refused)}
    told["commands"] = commands
    # The search would find it.
    assert marks_in(json.dumps(found)) == ["zanzibar", "66012341299"]
    assert "zanzibar" in dead.lower()
    assert len(roads.refused) > 15
    for name, words in (
        ("scorer", "record to the dead letter"),
        ("ingest", "items in the dead letter"),
        ("console", "request failed"),
        ("commands", "there is no such lead"),
    ):
        assert words in told[name]
    assert {name: marks_in(text) for name, text in told.items() if marks_in(text)} == {}


def marks_in(text: str) -> list[str]:
    return [mark for mark in MARKS if mark in text.lower()]


async def good_input(roads: Roads) -> None:
    context = {"page": {"url": PAGE, "referrer": PAGE, "title": "Zanzibar"}, "ip": "203.0.113.77"}
    call = {**WHO, "context": context}
    await roads.send("/v1/identify", {**call, "messageId": "i1", "traits": TRAITS}, 200)
    await roads.send("/v1/track", {**call, "event": "Demo Requested", "messageId": "t1"}, 200)
    await roads.send("/v1/page", {**call, "messageId": "p1", "properties": {"url": PAGE}}, 200)
    await roads.send("/v1/group", {**call, "groupId": "g-zanzibar", "messageId": "g1"}, 200)
    await roads.send("/v1/alias", {"userId": WHO["userId"], "previousId": "old-zanzibar"}, 200)
    good = {"type": "track", "event": "Zanzibar", **WHO}
    bad = {"type": "track", **WHO, "timestamp": "zanzibar"}
    await roads.send("/v1/batch", {"batch": [good, bad, {"type": "zanzibar", **WHO}]}, 200)
    await roads.send("/collect", {"type": "form", "form": "f", "fields": TRAITS, **WHO}, 200)
    form = "email=zanzibar.mail%40example.com&name=Zanzibar"
    plain = {"content-type": "application/x-www-form-urlencoded"}
    await roads.send("/v1/forms/contact", form, 200, **plain)
    await roads.send(
        "/v1/forms/contact",
        f'--X\r\ncontent-disposition: form-data; name="email"\r\n\r\n{EMAIL}\r\n--X--\r\n',
        200,
        **{"content-type": "multipart/form-data; boundary=X"},
    )
    pixel = {"writeKey": "test-write-key", "type": "email_opened", "email": EMAIL, "url": PAGE}
    answer = await roads.http.get(roads.url("ingest", "/v1/pixel.gif"), params=pixel)
    assert answer.status_code == 200
    hook = items(item("open", email=EMAIL), item("zanzibar", email=EMAIL), "zanzibar")
    answer = await roads.account.post(
        roads.http, hook, roads.url("ingest", "/v1/webhooks/sendgrid")
    )
    assert answer.status_code == 200


async def bad_input(roads: Roads) -> None:
    for path in ("/v1/track", "/v1/batch", "/collect"):
        await roads.send(path, '{"userId": "zanzibar', 400)
        await roads.send(path, {"batch": "zanzibar", "event": ["zanzibar"], **WHO}, 400)
        wrong = {"authorization": "Bearer zanzibar"}
        await roads.send(path, {"userId": "zanzibar", "batch": []}, 401, **wrong)
    too_long = {"event": "x", "userId": "zanzibar" * 100}
    await roads.send("/v1/track", too_long, 400)
    await roads.send("/v1/track", {**WHO, "event": "x", "timestamp": "zanzibar"}, 400)
    await roads.send("/v1/identify", {"traits": {"email": "zanzibar at example"}}, 400)
    await roads.send("/v1/forms/zanzibar%40example.com", {"email": EMAIL}, 400)
    await roads.send("/v1/forms/contact", {"email": "zanzibar"}, 400, accept="text/html")
    redirect = {"email": EMAIL, "_redirect": "https://zanzibar.example"}
    await roads.send("/v1/forms/contact", redirect, 400)
    await roads.send("/zanzibar%40example.com", {}, 404)
    await roads.send("/v1/webhooks/sendgrid", '[{"email": "zanzibar"}]', 401)
    params = {"writeKey": "test-write-key", "userId": "zanzibar" * 100}
    await roads.http.get(roads.url("ingest", "/v1/pixel.gif"), params=params)


async def bad_records(roads: Roads) -> int:
    """Records that the scorer can't take in, and two known people in one event. How many are
    poison.
    """
    at = instant(int(time.time() * 1000))

    def happening(number: int, who: Identifiers, **over: Any) -> Event:
        made = {"id": f"x{number}", "source": "web", "type": "zanzibar", "occurred_at": at,
                "received_at": at, "identifiers": who, "traits": {"name": "Zanzibar"}}  # fmt: skip
        return Event(**{**made, **over})

    poison: list[Event | bytes] = [
        b"zanzibar is no event",
        b'{"v": 1, "verdict": {"judgement": "zanzibar"}}',
        happening(1, Identifiers(user_id="zanzibar\0")),
        happening(2, Identifiers(user_id="zanzibar"), v=99),
        happening(3, Identifiers(user_id="".join(f"zanzibar{n}" for n in range(8_000)))),
    ]
    others = [
        happening(4, Identifiers(user_id="other-zanzibar", email="other.zanzibar@example.com")),
        happening(5, Identifiers(user_id="u-zanzibar", email="other.zanzibar@example.com")),
    ]
    await send(roads.settings, [*poison, *others])
    return len(poison)


async def dead_letters(settings: Settings, count: int) -> str:
    """Dead letters with their headers, once there are so many."""
    consumer = create_consumer(
        settings, settings.topics.dead_letter, auto_offset_reset="earliest", group_id=None
    )
    await consumer.start()
    found: list[str] = []
    try:
        async with asyncio.timeout(60):
            while len(found) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += [f"{one.value!r} {one.headers!r}" for one in records]
    finally:
        await consumer.stop()
    return "\n".join(found)


async def console_errors(roads: Roads) -> None:
    lead = "/v1/leads/01998a52-7f0e-7b5c-a3a1-0e6f6f0f9d11"
    await roads.ask("GET", "/v1/leads", 400, params={"email": EMAIL, "limit": "zanzibar"})
    await roads.ask("GET", "/v1/leads/zanzibar", 400)
    await roads.ask("POST", "/v1/leads/find", 400, json={"email": ["zanzibar"]})
    await roads.ask("POST", "/v1/leads/find", 400, json={"cursor": "zanzibar"})
    await roads.ask("POST", "/v1/leads/find", 400, content="{zanzibar")
    await roads.ask("GET", f"{lead}/explain", 400, params={"at": "zanzibar"})
    await roads.ask("POST", f"{lead}/stage", 400, json={"stage": {"zanzibar": 1}})
    await roads.ask("POST", f"{lead}/stage", 404, json={"stage": "zanzibar"})
    connection = await asyncpg.connect(roads.settings.database_url.get_secret_value())
    await connection.execute("ALTER TABLE identifier RENAME COLUMN value TO gone")
    try:
        await roads.ask("POST", "/v1/leads/find", 500, json={"email": EMAIL, "phone": PHONE})
    finally:
        await connection.execute("ALTER TABLE identifier RENAME COLUMN gone TO value")
        await connection.close()


def commands_that_find_nobody(settings: Settings) -> str:
    """What commands say of a person who isn't there."""
    said = ""
    with tempfile.TemporaryDirectory() as folder:
        for words in (
            ("lead", "next", "not.zanzibar@example.com"),
            ("stage", "set", "not-zanzibar", "validate"),
        ):
            done = subprocess.run(
                [sys.executable, "-m", "services.cli", *words],
                cwd=folder,
                env=environment(settings) | {"PYTHONPATH": str(Path(__file__).parents[3])},
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 1, done.stderr
            said += done.stdout + done.stderr
    return said

"""Stages set by hand: through the API and the command, over Kafka, a scorer and Postgres."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.console.app import create_app
from services.console.event_sender import EventSender
from shared.bus import create_consumer
from shared.database import create_engine
from shared.envelope import Event, Identifiers, Verdict, instant, rfc3339
from shared.health import Health
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.processes import environment, service

DEADLINE_SECONDS = 60.0
RULES = """
models:
  interest:
    rules: [{id: visit, on: page_viewed, points: 10}]
stages:
  ladder:
    - {name: cold}
    - {name: warm, enter: {interest: 10}, leave: {interest: 5}}
    - {name: hot, enter: {interest: 100}, leave: {interest: 50}, handoff: sales}
journeys:
  renewal:
    when: {seen: {on: purchase_made}}
    ladder: [{name: safe}, {name: leaving, enter: {interest: 500}}]
"""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Desk:
    """The API in this process, a scorer beside it, and a way to make leads."""

    settings: Settings
    api: httpx.AsyncClient
    sender: EventSender
    sent: int = 0

    async def visit(self, **who: str) -> None:
        """A page view of somebody, with 10 points."""
        self.sent += 1
        at = instant(now_ms())
        await self.sender.send(
            Event(
                id=f"visit-{self.sent}", source="web", type="page_viewed", occurred_at=at,
                received_at=at, identifiers=Identifiers(**who), verdict=Verdict("human"),
            )
        )  # fmt: skip

    async def lead(self, **who: str) -> str:
        """The id of a lead, once it has one visit."""
        await self.visit(**who)

        async def there() -> Any:
            items = (await self.api.get("/v1/leads", params=who)).json()["items"]
            return items and items[0]["id"]

        return str(await until(there))

    async def orders(self, lead_id: str, **asked: Any) -> httpx.Response:
        return await self.api.post(f"/v1/leads/{lead_id}/stage", json=asked)

    async def moves(self, lead_id: str) -> list[tuple[str, str, str]]:
        """(to, cause, actor), oldest first."""
        items = (await self.api.get(f"/v1/leads/{lead_id}/stages")).json()["items"]
        return [(move["to_stage"], move["cause"], move["actor"]) for move in items[::-1]]

    async def moved(self, lead_id: str, *last: tuple[str, str, str]) -> None:
        """Wait until these are the lead's last moves."""

        async def so() -> bool:
            return (await self.moves(lead_id))[-len(last) :] == list(last)

        await until(so)

    async def command(self, *words: str) -> tuple[int, str]:
        """Run `leadscore stage …`; its exit code, and all that it said."""
        ran = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "services.cli", "stage", *words],
            env=environment(self.settings),
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        return ran.returncode, ran.stdout + ran.stderr


async def until(condition: Any) -> Any:
    """What the condition gives, once that is something."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (found := await condition()):
            await asyncio.sleep(0.05)
    return found


@pytest.fixture
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    """With a ruleset that is live, and a scorer that is ready."""
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, RULES)
    sender = EventSender(settings)
    hash_key = settings.hash_key.get_secret_value().encode()
    app = create_app(engine, Health(), "token", now_ms, sender.send, hash_key=hash_key)
    with service("scorer", settings) as scorer:
        await asyncio.to_thread(scorer.wait_ready)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://api",
            headers={"Authorization": "Bearer token"},
        ) as api:
            yield Desk(settings, api, sender)
    await sender.stop()
    await engine.dispose()


async def test_a_stage_is_set_locked_released_and_falls_free_in_time(desk: Desk) -> None:
    """The lock holds against points; the release lets the scores decide; the end of a lock is
    kept to the millisecond, without an event.
    """
    lead_id = await desk.lead(email="anna@example.com")
    answer = await desk.orders(lead_id, stage="cold", lock=True, actor="kim", id="one")
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": True, "lead_id": lead_id, "event_id": f"{lead_id}/one", "journey": "main",
        "stage": "cold", "lock": True, "until": None,
    }  # fmt: skip
    await desk.moved(lead_id, ("warm", "event", ""), ("cold", "manual", "kim"))
    again = await desk.orders(lead_id, stage="hot", lock=True, actor="lee", id="one")
    assert again.status_code == 202  # accepted, and dropped as the copy that it says it is
    await desk.visit(email="anna@example.com")

    async def scored() -> bool:
        lead = (await desk.api.get(f"/v1/leads/{lead_id}")).json()
        assert (lead["stage"], lead["journeys"]["main"]["held"]) == ("cold", "locked")
        return bool(lead["scores"]["interest"] == 20.0)

    await until(scored)
    await desk.orders(lead_id, stage=None, actor="kim")
    await desk.moved(lead_id, ("cold", "manual", "kim"), ("warm", "manual", "kim"))
    end = rfc3339(now_ms() + 3000)
    await desk.orders(lead_id, stage="hot", until=end, actor="kim")
    await desk.moved(lead_id, ("hot", "manual", "kim"), ("warm", "time", ""))
    newest = (await desk.api.get(f"/v1/leads/{lead_id}/stages")).json()["items"][0]
    assert newest["at"] == end


async def test_an_anonymous_lead_is_found_again_by_its_anonymous_id(desk: Desk) -> None:
    """There is nothing else by which its event could name it. Also by the command."""
    lead_id = await desk.lead(anonymous_id="b1f0")
    assert (await desk.orders(lead_id, stage="cold", actor="kim")).status_code == 202
    await desk.moved(lead_id, ("cold", "manual", "kim"))
    code, said = await desk.command("set", "b1f0", "warm", "--for", "30d", "--actor", "lee")
    assert code == 0, said
    assert f"lead {lead_id}: to warm, locked until 20" in said
    await desk.moved(lead_id, ("warm", "manual", "lee"))
    assert len((await desk.api.get("/v1/leads")).json()["items"]) == 1


async def test_the_command_sets_and_releases_and_tells_what_is_wrong(desk: Desk) -> None:
    """By address or id; a dry run sends nothing."""
    lead_id = await desk.lead(email="anna@example.com")
    dry = await desk.command("set", "Anna@Example.com", "hot", "--lock", "--dry-run")
    assert dry == (0, f"lead {lead_id}: to hot, locked until it is released: nothing is sent\n")
    for words, told in (
        (("set", lead_id, "hott"), "there is no stage hott (did you mean hot?): the journey main"),
        (("set", lead_id, "safe", "--journey", "renewal"), "isn't on the journey renewal yet"),
        (("set", "nobody@example.com", "hot"), "there is no such lead"),
    ):
        code, said = await desk.command(*words)
        assert code == 1
        assert told in said
    assert (await desk.command("set", lead_id, "hot", "--actor", "lee"))[0] == 0
    await desk.moved(lead_id, ("warm", "event", ""), ("hot", "manual", "lee"))
    assert (await desk.command("release", "anna@example.com", "--actor", "lee"))[0] == 0
    await desk.moved(lead_id, ("hot", "manual", "lee"), ("warm", "manual", "lee"))


async def test_the_process_takes_orders_and_stops_cleanly(desk: Desk, settings: Settings) -> None:
    """With the settings of any process; SIGTERM ends it with code 0."""
    lead_id = await desk.lead(email="anna@example.com")
    with service("console", settings) as console:
        await asyncio.to_thread(console.wait_ready)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{console.port}") as client:
            answer = await client.post(
                f"/v1/leads/{lead_id}/stage",
                json={"stage": "hot", "actor": "kim"},
                headers={"Authorization": f"Bearer {settings.api_token.get_secret_value()}"},
            )
        assert answer.status_code == 202
        await desk.moved(lead_id, ("hot", "manual", "kim"))
        assert await asyncio.to_thread(console.stop) == 0


async def test_an_order_goes_where_the_leads_other_events_go(
    desk: Desk, settings: Settings
) -> None:
    """To the partition of the strongest identifier, so that order is kept."""
    lead_id = await desk.lead(user_id="u1")
    await desk.orders(lead_id, stage="hot")
    consumer = create_consumer(
        settings, settings.topics.lead_events, group_id=None, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            first, second = await consumer.getone(), await consumer.getone()
    finally:
        await consumer.stop()
    assert (first.partition, first.key) == (second.partition, second.key)

"""A whole sales desk: the API in this process, a scorer and a router beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from services.console.app import create_app
from services.console.event_sender import EventSender
from shared.database import create_engine
from shared.envelope import Event, Identifiers, Verdict, instant
from shared.health import Health
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.processes import service

DEADLINE_SECONDS = 90.0
SECRET = "whsec_c2FsZXMgYW5zd2VycyBieSB3ZWJob29r"
RULES = """
models:
  interest:
    rules:
      - {id: visit, on: page_viewed, points: 10}
      - {id: no, on: sales_rejected, points: -8}
bands: {interest: [{name: cold}, {name: hot, from: 10}]}
stages:
  ladder:
    - {name: cold}
    - {name: hot, enter: {interest: 10}, leave: {interest: 5}, handoff: sales}
  side:
    - {name: recycled, on: sales_rejected, leave: {on: demo_requested}}
sales:
  reasons: {not_now: not now, wrong: the wrong person}
  owners: {team: [{id: ann}, {id: bob}]}
  clock: {accept_within: 4h}
"""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class SalesDesk:
    """The API with its token, the pages of links without, and a way to send events."""

    settings: Settings
    api: httpx.AsyncClient
    public: httpx.AsyncClient
    sender: EventSender
    sent: int = 0

    async def does(self, email: str, type_: str = "page_viewed", **parts: Any) -> None:
        """Something that somebody does now."""
        self.sent += 1
        at = instant(now_ms())
        who = parts.pop("identifiers", None) or Identifiers(email=email)
        await self.sender.send(
            Event(
                id=f"event-{self.sent}", source="web", type=type_, occurred_at=at, received_at=at,
                identifiers=who, verdict=Verdict("human"), **parts,
            )
        )  # fmt: skip

    async def handoffs(self, **params: Any) -> list[dict[str, Any]]:
        answer = await self.api.get("/v1/handoffs", params=params)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    async def handed(self, count: int = 1, **params: Any) -> list[dict[str, Any]]:
        """The hand-offs, once there are so many."""

        async def there() -> Any:
            found = await self.handoffs(**params)
            return found if len(found) == count else None

        return list(await until(there))

    async def acts(self, handoff_id: str, act: str, **asked: Any) -> httpx.Response:
        return await self.api.post(f"/v1/handoffs/{handoff_id}/{act}", json=asked)

    async def stage(self, lead_id: str, name: str) -> None:
        """Wait until the lead stands there."""

        async def so() -> bool:
            return bool((await self.api.get(f"/v1/leads/{lead_id}")).json()["stage"] == name)

        await until(so)


async def until(condition: Any) -> Any:
    """What the condition gives, once that is something."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (found := await condition()):
            await asyncio.sleep(0.05)
    return found


@asynccontextmanager
async def sales_desk(settings: Settings, rules: str = RULES) -> AsyncIterator[SalesDesk]:
    """With a ruleset that is live, and a scorer and a router that are ready."""
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, rules)
    sender = EventSender(settings)
    hash_key = settings.hash_key.get_secret_value().encode()
    app = create_app(
        engine, Health(), "token", now_ms, sender.send, hash_key=hash_key,
        shards=settings.router_shards, hook_secrets=[SECRET],
    )  # fmt: skip
    transport = httpx.ASGITransport(app)
    with service("scorer", settings) as scorer, service("router", settings) as router:
        await asyncio.to_thread(scorer.wait_ready)
        await asyncio.to_thread(router.wait_ready)
        bearer = {"Authorization": "Bearer token"}
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://api", headers=bearer) as api,
            httpx.AsyncClient(transport=transport, base_url="http://api") as public,
        ):
            yield SalesDesk(settings, api, public, sender)
    await sender.stop()
    await engine.dispose()

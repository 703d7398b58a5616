"""Events judged by hand: through the API and the command, over Kafka, a scorer and Postgres."""

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
from shared.database import create_engine
from shared.envelope import Event, Identifiers, Verdict, instant
from shared.health import Health
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.processes import environment, service

DEADLINE_SECONDS = 60.0
RULES = """
models:
  interest:
    rules: [{id: click, on: email_clicked, points: 10}]
stages:
  ladder:
    - {name: cold}
    - {name: warm, enter: {interest: 30}, leave: {interest: 15}, handoff: sales}
"""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Desk:
    settings: Settings
    api: httpx.AsyncClient
    sender: EventSender

    async def click(self, name: str, seconds_ago: float, verdict: str = "unknown") -> None:
        """A click in the mail m1, each on a link of its own."""
        at = instant(now_ms() - int(seconds_ago * 1000))
        await self.sender.send(
            Event(
                id=name, source="sendgrid", type="email_clicked", occurred_at=at, received_at=at,
                identifiers=Identifiers(email="ann@example.com"),
                properties={"message_id": "m1", "url": f"https://shop.example/{name}"},
                verdict=Verdict(verdict, "by a test"),
            )
        )  # fmt: skip

    async def lead(self) -> Any:
        items = (await self.api.get("/v1/leads", params={"email": "ann@example.com"})).json()
        return items["items"] and items["items"][0]

    async def stands(self, stage: str, points: float) -> None:
        """Wait until the lead has this stage and score."""

        async def so() -> bool:
            lead = await self.lead()
            return bool(lead) and (lead["stage"], lead["scores"]["interest"]) == (stage, points)

        await until(so)


async def until(condition: Any) -> Any:
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
    app = create_app(
        engine, Health({}), "t0ken", now_ms, sender.send,
        hash_key=settings.hash_key.get_secret_value().encode(),
    )  # fmt: skip
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": "Bearer t0ken"}
    api = httpx.AsyncClient(transport=transport, base_url="http://console", headers=headers)
    with service("scorer", settings):
        async with api:
            yield Desk(settings, api, sender)
    await sender.stop()
    await engine.dispose()


async def test_a_word_on_events_moves_points_and_stages(desk: Desk) -> None:
    """Three clicks bring a hand-off; one was a machine's, then all of the mail, then none."""
    for number, ago in enumerate((900, 600, 300)):
        await desk.click(f"c{number}", ago)
    await desk.stands("warm", 30)
    lead_id = (await desk.lead())["id"]
    path = f"/v1/leads/{lead_id}/judge"

    named = [{"source": "sendgrid", "event_id": "c1"}]
    answer = await desk.api.post(path, json={"verdict": "bot", "events": named, "actor": "Kim"})
    assert answer.status_code == 202
    await desk.stands("warm", 20)
    answer = await desk.api.post(path, json={"verdict": "bot", "message_id": "m1"})
    assert answer.status_code == 202
    await desk.stands("cold", 0)
    timeline = (await desk.api.get(f"/v1/leads/{lead_id}/timeline")).json()["items"]
    words = [one for one in timeline if one["type"] == "events_judged"]
    assert [one["properties"].get("actor") for one in words] == [None, "Kim"]
    cuts = {one["event_id"]: one["earned"][0]["clipped"] for one in timeline if one["earned"]}
    assert cuts == dict.fromkeys(("c0", "c1", "c2"), "retracted: by hand")

    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.cli", "lead", "judge", "ann@example.com", "human",
         "--message", "m1"],
        env=environment(desk.settings), capture_output=True, text=True, timeout=DEADLINE_SECONDS,
    )  # fmt: skip
    assert (ran.returncode, "judged human: accepted" in ran.stdout) == (0, True), ran.stderr
    await desk.stands("warm", 30)


async def test_what_ingest_took_for_a_machine_can_be_a_person(desk: Desk) -> None:
    """An event with the verdict bot scores nothing, until somebody says otherwise."""
    await desk.click("c1", 600)
    await desk.click("c2", 300, verdict="bot")
    await desk.stands("cold", 10)
    lead_id = (await desk.lead())["id"]
    asked = {"verdict": "human", "events": [{"source": "sendgrid", "event_id": "c2"}]}
    assert (await desk.api.post(f"/v1/leads/{lead_id}/judge", json=asked)).status_code == 202
    await desk.stands("cold", 20)


async def test_what_cannot_be_judged_is_refused(desk: Desk) -> None:
    """Nothing named, an event that isn't there, a lead that isn't there."""
    await desk.click("c1", 600)
    await desk.stands("cold", 10)
    path = f"/v1/leads/{(await desk.lead())['id']}/judge"
    asked: list[tuple[dict[str, Any], str, int, str]] = [
        ({"verdict": "bot"}, path, 400, "invalid_parameter"),
        ({"verdict": "ghost", "message_id": "m1"}, path, 400, "invalid_parameter"),
        (
            {"verdict": "bot", "events": [{"source": "web", "event_id": "c1"}]},
            path, 404, "event_not_found",
        ),
        (
            {"verdict": "bot", "message_id": "m1", "id": "\n"},
            path, 400, "id_invalid",
        ),
        (
            {"verdict": "bot", "message_id": "m1"},
            "/v1/leads/00000000-0000-4000-8000-000000000000/judge", 404, "lead_not_found",
        ),
    ]  # fmt: skip
    for body, where, status, code in asked:
        answer = await desk.api.post(where, json=body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)

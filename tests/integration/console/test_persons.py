"""Access and erasure, through the API and the command, over Kafka, a scorer and Postgres."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.console.app import create_app
from services.console.erasures import PersonDesk
from services.console.event_sender import EventSender
from shared.bodies import open_body
from shared.bus import create_consumer
from shared.database import create_engine
from shared.envelope import Event, Identifiers, Verdict, instant
from shared.health import Health
from shared.ruleset.store import publish
from shared.settings import Settings
from shared.tables import metadata
from tests.processes import environment, service

DEADLINE_SECONDS = 60.0
ADA = "ada@canary.example"
RULES = """
models:
  interest:
    rules: [{id: visit, on: page_viewed, points: 10}]
stages:
  ladder:
    - {name: cold}
    - {name: warm, enter: {interest: 10}, leave: {interest: 5}}
"""


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Office:
    """The API in this process, a scorer beside it, and a way to make leads."""

    settings: Settings
    api: httpx.AsyncClient
    sender: EventSender
    sent: int = 0

    async def visit(self, **who: str) -> None:
        """A page view of somebody, taken in."""
        self.sent += 1
        at = instant(now_ms())
        await self.sender.send(
            Event(
                id=str(self.sent), source="web", type="page_viewed", occurred_at=at,
                received_at=at, identifiers=Identifiers(**who), verdict=Verdict("human"),
                properties={"note": "she came"},
            )
        )  # fmt: skip

    async def held(self, **who: str) -> dict[str, Any]:
        """The export, once there is one."""

        async def found() -> dict[str, Any] | None:
            answer = await self.api.post("/v1/persons/export", json=who)
            return answer.json() if answer.status_code == 200 else None

        return await until(found)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """(exit code, output, errors) of `leadscore person`."""
        ran = subprocess.run(
            [sys.executable, "-m", "services.cli", "person", *arguments],
            env=environment(self.settings), capture_output=True, text=True,
            timeout=DEADLINE_SECONDS, check=False,
        )  # fmt: skip
        return ran.returncode, ran.stdout, ran.stderr


async def until(condition: Any) -> Any:
    """What the condition gives, once that is something."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not (found := await condition()):
            await asyncio.sleep(0.05)
    return found


@pytest.fixture
async def office(settings: Settings) -> AsyncIterator[Office]:
    """With a ruleset that is live, and a scorer that is ready."""
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, RULES)
    sender = EventSender(settings)
    hash_key = settings.hash_key.get_secret_value().encode()
    persons = PersonDesk(engine, hash_key, sender.send_erasure, now_ms)
    app = create_app(engine, Health(), "token", now_ms, sender.send, persons=persons)
    with service("scorer", settings) as scorer:
        await asyncio.to_thread(scorer.wait_ready)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://api",
            headers={"Authorization": "Bearer token"},
        ) as api:
            yield Office(settings, api, sender)
    await sender.stop()
    await engine.dispose()


async def test_a_person_is_exported_erased_and_proved_by_the_api(office: Office) -> None:
    """The order holds no address; the same order sent again changes nothing."""
    await office.visit(email=ADA, user_id="ada-1")
    held = await office.held(email=ADA)
    assert {"event", "identifier"} <= (await _rows_with(office, "ada")).keys()
    assert [one["value"] for one in held["identifiers"]] == ["ada-1", ADA]
    assert held["events"][0]["body"]["properties"] == {"note": "she came"}
    assert held["events"][0]["entries"][0]["rule"] == "interest/visit"
    assert held["stage_history"][0]["to_stage"] == held["facts_for_others"][0]["fact"]["to_stage"]
    asked = {"user_id": "ada-1", "reason": "ticket 7", "actor": "eve", "id": str(uuid4())}
    answer = await office.api.post("/v1/persons/erase", json=asked)
    assert answer.status_code == 202
    assert answer.json()["leads"] == [held["leads"][0]["id"]]

    async def proved() -> Any:
        found = (await office.api.get(f"/v1/erasures/{asked['id']}")).json()
        return found if found.get("erased_at") else None

    proof = await until(proved)
    assert proof["counts"]["events"] == 1
    assert proof["counts"]["outbox"] == 1
    assert (proof["reason"], proof["actor"]) == ("ticket 7", "eve")
    for name in ({"email": ADA}, {"user_id": "ada-1"}, {"lead_id": held["leads"][0]["id"]}):
        assert (await office.api.post("/v1/persons/export", json=name)).status_code == 404
    assert await _rows_with(office, "ada") == {}
    assert (await office.api.post("/v1/persons/erase", json=asked)).status_code == 202
    await office.visit(email=ADA)
    again = await office.held(email=ADA)
    assert again["leads"][0]["id"] != held["leads"][0]["id"]
    assert (await office.api.get("/v1/erasures")).json()["items"] == [proof]
    assert ADA.encode() not in await _orders(office)


async def _rows_with(office: Office, word: str) -> dict[str, int]:
    """How many rows of which tables hold a word, also in bytes and packed bodies: a quick cut of
    tests/fault/test_canary.py.
    """
    url = office.settings.database_url.get_secret_value()
    connection = await asyncpg.connect(url)
    found: dict[str, int] = {}
    for table in metadata.sorted_tables:
        for row in await connection.fetch(f"SELECT * FROM {table.name}"):
            values = [open_body(one) if isinstance(one, bytes) else one for one in row.values()]
            if word in str(values):
                found[table.name] = found.get(table.name, 0) + 1
    await connection.close()
    return found


async def _orders(office: Office) -> bytes:
    """All orders to erase on the topic."""
    consumer = create_consumer(office.settings, auto_offset_reset="earliest")
    consumer.subscribe([office.settings.topics.lead_events])
    await consumer.start()
    orders: list[bytes] = []
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(orders) < 2:
                value = (await consumer.getone()).value
                if b'"person_erased"' in value:
                    orders.append(value)
    finally:
        await consumer.stop()
    return b"".join(orders)


async def test_a_person_is_exported_and_erased_by_command(office: Office, tmp_path: Any) -> None:
    """A dry run sends nothing; the file is for its owner alone; the proof is listed."""
    await office.visit(email=ADA)
    await office.held(email=ADA)
    file = tmp_path / "ada.json"
    code, out, _ = await asyncio.to_thread(office.run, "export", ADA, "--out", str(file))
    assert (code, out) == (0, "")
    assert json.loads(file.read_text())["identifiers"][0]["value"] == ADA
    assert file.stat().st_mode & 0o777 == 0o600
    erase = ("erase", ADA, "--reason", "ticket 8", "--actor", "eve")
    code, out, _ = await asyncio.to_thread(office.run, *erase, "--dry-run")
    assert (code, out.splitlines()[-1]) == (0, "nothing is sent")
    await office.held(email=ADA)
    code, out, errors = await asyncio.to_thread(office.run, *erase, "--yes")
    assert code == 0, errors
    assert "by eve: ticket 8" in out
    assert ADA not in out + errors
    code, out, _ = await asyncio.to_thread(office.run, "proofs")
    assert code == 0
    assert "events: 1" in out
    code, out, errors = await asyncio.to_thread(office.run, "export", ADA)
    assert (code, out, errors) == (1, "", "error: nobody is known by this name\n")


@pytest.mark.parametrize(
    ("path", "asked", "code"),
    [
        ("export", {}, "invalid_parameter"),
        ("export", {"email": ADA, "user_id": "1"}, "invalid_parameter"),
        ("export", {"mail": ADA}, "invalid_parameter"),
        ("export", {"email": "x\0y"}, "invalid_parameter"),
        ("erase", {"email": ADA}, "invalid_parameter"),
        ("erase", {"email": ADA, "reason": ""}, "invalid_parameter"),
        ("erase", {"email": ADA, "reason": f"{ADA} asked"}, "proof_names_the_person"),
        ("erase", {"user_id": "ada-1", "reason": "for Ada-1"}, "proof_names_the_person"),
        ("erase", {"lead_id": str(uuid4()), "reason": "r"}, "person_not_found"),
        ("export", {"email": ADA}, "person_not_found"),
    ],
)
async def test_what_is_wrong_is_said_without_the_name(
    settings: Settings, path: str, asked: dict[str, str], code: str
) -> None:
    """An error's text may be logged by whoever asked."""
    engine = create_engine(settings)

    async def never(_: Any) -> None:
        raise AssertionError("nothing is sent")

    persons = PersonDesk(engine, b"k" * 16, never, now_ms)
    app = create_app(engine, Health(), "token", now_ms, never, persons=persons)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://api",
        headers={"Authorization": "Bearer token"},
    ) as api:
        answer = await api.post(f"/v1/persons/{path}", json=asked)
    await engine.dispose()
    assert answer.json()["error"]["code"] == code
    assert "ada" not in answer.text.lower()

"""Kafka dies in mid-stream under the real SDKs: they are told to come back, and nothing is lost."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator

import asyncpg
import httpx
import pytest

from deploy.local import ports
from shared.bodies import open_body
from shared.bus import ensure_topics
from shared.database import create_engine
from shared.envelope import Event, decode_event
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.broker import Broker
from tests.processes import Service, service
from tests.sdks.installing import command, environment

SCRIPTS = ("send_segment.py", "send_rudder.py", "send_segment.mjs", "send_rudder.mjs")
COUNT = 300
PAUSE = 0.03
SECONDS = 120.0
RULES = """
models: {interest: {rules: [{id: demo, on: demo_requested, points: 1}]}}
stages: {ladder: [{name: cold}, {name: warm, enter: {interest: 100000}}]}
"""


@pytest.fixture
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("broker"))
    yield broker
    broker.close()


@pytest.fixture
async def ours(settings: Settings, broker: Broker) -> Settings:
    """The test's database, its own Kafka, and a key for each SDK."""
    own = settings.model_copy(
        update={
            "kafka_bootstrap_servers": f"{ports.HOST}:{broker.where.kafka}",
            "write_keys": type(settings.write_keys)(
                ",".join(f"{name}:key-{name}" for name in SCRIPTS)
            ),
        }
    )
    await ensure_topics(own)
    engine = create_engine(own)
    async with engine.begin() as connection:
        await publish(connection, RULES)
    await engine.dispose()
    return own


async def test_after_an_outage_each_event_is_there_once(ours: Settings, broker: Broker) -> None:
    """Four SDKs send while the broker dies and comes back; then Postgres has all, once each."""
    with service("scorer", ours), service("ingest", ours) as ingest:
        url = f"http://127.0.0.1:{ingest.port}"
        ingest.wait_ready()
        sending = [_start(script, url) for script in SCRIPTS]
        try:
            await _until(ours, lambda events: len(events) > 200, "the first events")
            broker.kill()
            await _refusing(ingest)
            ended = [each for each in sending if each.poll() is not None]
            assert not ended, [each.communicate()[0] for each in ended]
            broker.start()
            said = await asyncio.to_thread(_ended, sending)
        finally:
            for each in sending:
                each.kill()
        assert said == [0] * len(SCRIPTS)
        events = await _until(ours, lambda events: len(events) >= COUNT * len(SCRIPTS), "all")
    for script in SCRIPTS:
        places = [event.properties["index"] for event in events if event.source == script]
        assert sorted(places) == list(range(COUNT)), script


def _start(script: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(script, url, f"key-{script}", str(COUNT), str(PAUSE)),
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _ended(sending: list[subprocess.Popen[str]]) -> list[int]:
    until = time.monotonic() + SECONDS
    for each in sending:
        each.communicate(timeout=max(until - time.monotonic(), 1))
    return [each.returncode for each in sending]


async def _refusing(ingest: Service) -> None:
    """Wait until ingest turns senders away, as they are told: 429."""
    call = {"event": "Tried", "anonymousId": "a", "writeKey": f"key-{SCRIPTS[0]}"}
    async with httpx.AsyncClient() as client, asyncio.timeout(SECONDS):
        path = f"http://127.0.0.1:{ingest.port}/v1/track"
        while (await client.post(path, json=call, timeout=30)).status_code != 429:
            await asyncio.sleep(0.05)


async def _until(
    settings: Settings, arrived: Callable[[list[Event]], object], what: str
) -> list[Event]:
    """The demos that the scorer has stored, once `arrived` holds of them."""
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    found: list[Event] = []
    try:
        async with asyncio.timeout(SECONDS):
            while not arrived(found):
                await asyncio.sleep(0.2)
                rows = await connection.fetch("SELECT body FROM event")
                events = [decode_event(open_body(row["body"])) for row in rows]
                found = [event for event in events if event.type == "demo_requested"]
    except TimeoutError:
        there = Counter(event.source for event in found)
        raise AssertionError(f"not there: {what}; but {there}") from None
    finally:
        await connection.close()
    return found

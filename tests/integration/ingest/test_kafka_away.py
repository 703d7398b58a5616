"""Kafka goes away and comes back under a running ingest: 429, never a hang, never a lost event."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from deploy.local import ports
from services.ingest import intake
from services.ingest.app import create_app
from services.ingest.batches import attempt_in_batches
from services.ingest.dependencies import watch_kafka
from services.ingest.edge import Edge
from services.ingest.email_links import links_of
from services.ingest.handling import PLAIN
from services.ingest.intake import Intake
from services.ingest.keys import keys_of
from services.ingest.placement import make_producer
from services.ingest.sources import Sources
from shared.bus import SupervisedProducer, ensure_topics
from shared.health import Health
from shared.settings import Settings
from tests.broker import Broker
from tests.ingest_server import reading_events, served

KEY = "test-write-key"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(tmp_path_factory.mktemp("broker"))
    yield broker
    broker.close()


@pytest.fixture
async def settings(broker: Broker) -> Settings:
    """Settings over the test's own broker; Postgres isn't needed."""
    settings = Settings.model_validate(
        {
            "kafka_bootstrap_servers": f"{ports.HOST}:{broker.where.kafka}",
            "database_url": "postgresql://unused",
            "topic_prefix": f"t{time.monotonic_ns()}-",
            "event_partitions": 2,
            "hash_key": "0123456789abcdef",
            "write_keys": f"web:{KEY}",
        }
    )
    await ensure_topics(settings)
    return settings


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[httpx.AsyncClient, Health]]:
    """Ingest as its process wires it, watching Kafka."""
    health = Health.waiting_for("kafka")
    producer = SupervisedProducer(lambda: make_producer(settings), attempt_in_batches)
    taking = Intake(settings, producer)
    edge = Edge(settings, taking, keys_of(settings), Sources(), None, PLAIN, links_of(settings))
    watching = asyncio.create_task(watch_kafka(producer, taking, health))
    try:
        async with (
            served(create_app(edge, health)) as url,
            httpx.AsyncClient(base_url=url, timeout=30) as client,
        ):
            yield client, health
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await producer.stop(1.0)


async def post(client: httpx.AsyncClient, name: str) -> httpx.Response:
    call = {"event": "Tried", "anonymousId": "a", "messageId": name, "writeKey": KEY}
    return await client.post("/v1/track", json=call)


async def until_ready(client: httpx.AsyncClient, status: int) -> None:
    async with asyncio.timeout(90):
        while (await client.get("/readyz")).status_code != status:
            await asyncio.sleep(0.05)


async def until_taken(client: httpx.AsyncClient, name: str) -> None:
    async with asyncio.timeout(90):
        while (await post(client, name)).status_code != 200:
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("how", ["paused", "stopped"])
async def test_while_kafka_is_away_senders_are_told_to_come_back(
    settings: Settings, broker: Broker, how: str
) -> None:
    """Within about 2 s, by 429 and Retry-After; afterwards the same event is taken."""
    async with serving(settings) as (client, _):
        await until_ready(client, 200)
        assert (await post(client, "before")).status_code == 200
        await asyncio.to_thread(broker.pause if how == "paused" else broker.stop)
        try:
            started = time.monotonic()
            answers = await asyncio.gather(*(post(client, f"during{n}") for n in range(20)))
            assert time.monotonic() - started < 15
            for answer in answers:
                assert answer.status_code == 429
                assert int(answer.headers["retry-after"]) >= 1
                assert answer.json()["error"]["code"] == "kafka_away"
            started = time.monotonic()  # now it is known: no waiting
            assert (await post(client, "later")).status_code == 429
            assert time.monotonic() - started < 10
            await until_ready(client, 503)
            assert (await client.get("/livez")).status_code == 200
        finally:
            # Starting waits for the port; the server of this same loop must go on meanwhile.
            await asyncio.to_thread(broker.resume if how == "paused" else broker.start)
        await until_ready(client, 200)
        for number in range(20):  # senders come again with the same ids
            await until_taken(client, f"during{number}")
    async with reading_events(settings) as written:
        wanted = {"before", *(f"during{number}" for number in range(20))}
        await written.until(
            lambda events: wanted <= {event.id for event in events}, "every event answered 200"
        )


async def test_it_starts_without_kafka_and_is_ready_once_it_comes(
    settings: Settings, broker: Broker
) -> None:
    """Alive, not ready, and 429 until then."""
    broker.stop()
    try:
        async with serving(settings) as (client, _):
            assert (await client.get("/readyz")).status_code == 503
            assert (await client.get("/livez")).status_code == 200
            assert (await post(client, "early")).status_code == 429
            await asyncio.to_thread(broker.start)
            await until_ready(client, 200)
            await until_taken(client, "early")
    finally:
        with contextlib.suppress(ProcessLookupError):
            if not ports.answers(broker.where.kafka):
                broker.start()


async def test_too_much_in_flight_is_turned_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory is bounded: what would not fit into what may wait for Kafka is told to come again."""
    monkeypatch.setattr(intake, "IN_FLIGHT_EVENTS", 5)
    async with serving(settings) as (client, _):
        await until_ready(client, 200)
        many = await post_batch(client, 6)
        assert many.status_code == 429
        assert many.json()["error"]["code"] == "too_busy"
        assert int(many.headers["retry-after"]) >= 1
        assert (await post_batch(client, 5)).json() == {"success": True}


async def post_batch(client: httpx.AsyncClient, size: int) -> httpx.Response:
    calls = [{"type": "track", "event": "Tried", "anonymousId": "a"} for _ in range(size)]
    return await client.post("/v1/batch", json={"batch": calls, "writeKey": KEY})

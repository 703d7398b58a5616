"""Ingest over a real socket and a real Kafka, inside the test's own loop; and what it wrote."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from aiokafka import AIOKafkaConsumer

from services.ingest.app import create_app
from services.ingest.batches import attempt_in_batches
from services.ingest.edge import Edge
from services.ingest.email_links import links_of
from services.ingest.handling import handling_of
from services.ingest.imports.uploads import Uploads
from services.ingest.intake import Intake
from services.ingest.keys import Keys, keys_of
from services.ingest.placement import make_producer
from services.ingest.providers.visits import Visits
from services.ingest.rates import Rates
from services.ingest.routes import origins_of
from services.ingest.sources import Sources, sources_in_settings
from services.ingest.verdicts import networks_in
from shared.bus import SupervisedProducer, create_consumer
from shared.envelope import Event, decode_event
from shared.health import Health
from shared.settings import Settings

WAIT_SECONDS = 90.0


class _Server(uvicorn.Server):
    """A server that leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve an ASGI app on a free port; gives its base URL."""
    config = uvicorn.Config(
        app, lifespan="off", log_config=None, access_log=False, timeout_keep_alive=30
    )
    server = _Server(config)
    # The socket listens before the server runs: whoever comes early waits in line.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await task


@contextlib.asynccontextmanager
async def serving_ingest(
    settings: Settings,
    sources: Sources | None = None,
    visits: Visits | None = None,
    keys: Keys | None = None,
    uploads: Uploads | None = None,
) -> AsyncIterator[str]:
    """Ingest with a started producer; gives its base URL. visits: what it gets by itself."""
    producer = SupervisedProducer(lambda: make_producer(settings), attempt_in_batches)
    await producer.start()
    edge = Edge(
        settings,
        Intake(settings, producer),
        keys or keys_of(settings),
        sources or sources_in_settings(settings),
        origins_of(settings.allowed_origins),
        handling_of(settings),
        links_of(settings),
        Rates.of(settings),
        networks_in(settings.datacentre_file),
        visits=visits or Visits(),
        uploads=uploads or Uploads(),
    )
    try:
        async with served(create_app(edge, Health())) as url:
            yield url
    finally:
        await producer.stop()


class Written:
    """The events on lead-events, in the order in which they were read."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self.events: list[Event] = []
        self.keys: set[bytes | None] = set()
        self.partitions: set[int] = set()

    async def until(self, arrived: Callable[[list[Event]], object], what: str) -> list[Event]:
        """All events so far, once `arrived` holds for them. Fails after WAIT_SECONDS."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not arrived(self.events):
                    for records in (await self._consumer.getmany(timeout_ms=200)).values():
                        self.events += [decode_event(record.value) for record in records]
                        self.keys |= {record.key for record in records}
                        self.partitions |= {record.partition for record in records}
        except TimeoutError:
            seen = [event.type for event in self.events]
            raise AssertionError(f"{what} did not arrive; there are {seen}") from None
        return self.events

    async def one(self, event_type: str, **properties: Any) -> Event:
        """The first event of this type with these properties."""

        def found(events: list[Event]) -> list[Event]:
            return [
                event
                for event in events
                if event.type == event_type
                and all(event.properties.get(name) == properties[name] for name in properties)
            ]

        return found(await self.until(found, f"{event_type} {properties}"))[0]


@contextlib.asynccontextmanager
async def reading_events(settings: Settings) -> AsyncIterator[Written]:
    """Everything on lead-events from its beginning."""
    consumer = create_consumer(
        settings, settings.topics.lead_events, auto_offset_reset="earliest", group_id=None
    )
    await consumer.start()
    try:
        yield Written(consumer)
    finally:
        await consumer.stop()

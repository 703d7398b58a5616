"""What ingest wrote of visits to one site: records on lead-events, read as anybody could."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiokafka import AIOKafkaConsumer

from tests.e2e.conftest import Local

WAIT_SECONDS = 90.0


@dataclass(frozen=True)
class Event:
    """One event as it stands on the topic; what isn't there is empty."""

    id: str
    source: str
    type: str
    judgement: str
    email: str | None
    user_id: str | None
    anonymous_id: str | None
    properties: dict[str, Any]
    traits: dict[str, Any]
    context: dict[str, Any]
    consent: dict[str, Any]


def event_of(value: bytes) -> Event:
    """An event from a record's value."""
    told = json.loads(value)
    who = told["identifiers"]
    return Event(
        told["id"],
        told["source"],
        told["type"],
        told.get("verdict", {}).get("judgement", "unknown"),
        who.get("email"),
        who.get("user_id"),
        who.get("anonymous_id"),
        *(told.get(name, {}) for name in ("properties", "traits", "context", "consent")),
    )


class Written:
    """The events on pages of one site, in the order in which they were read.

    An event that came again under its id is left out, as the scorer does: a browser may send again
    what was not answered.
    """

    def __init__(self, consumer: AIOKafkaConsumer, port: int) -> None:
        self._consumer = consumer
        self._port = port
        self.events: list[Event] = []

    async def until(self, arrived: Callable[[list[Event]], object], what: str) -> list[Event]:
        """All events so far, once `arrived` holds for them. Fails after WAIT_SECONDS."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not arrived(self.events):
                    for records in (await self._consumer.getmany(timeout_ms=200)).values():
                        for record in records:
                            self._keep(event_of(record.value))
        except TimeoutError:
            seen = [event.type for event in self.events]
            raise AssertionError(f"{what} did not arrive; there are {seen}") from None
        return self.events

    def _keep(self, event: Event) -> None:
        known = {(each.source, each.id) for each in self.events}
        mine = urlsplit(event.context.get("page", {}).get("url", "")).port == self._port
        if mine and (event.source, event.id) not in known:
            self.events.append(event)

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
async def reading_events(local: Local, port: int) -> AsyncIterator[Written]:
    """Everything on lead-events, from its beginning, on pages of the site at that port."""
    consumer = AIOKafkaConsumer(
        local["topics"]["lead_events"],
        bootstrap_servers=local["kafka_bootstrap_servers"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    try:
        yield Written(consumer, port)
    finally:
        await consumer.stop()

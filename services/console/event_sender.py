"""The console's one way to Kafka: events that a person causes, on the road of all events."""

from __future__ import annotations

import asyncio

from shared.bus import Record, SupervisedProducer, create_producer
from shared.envelope import Event, encode_event
from shared.erasure_order import ErasureOrder, erasure_event, erasure_key
from shared.ids import partition_key
from shared.settings import Settings

ACK_SECONDS = 5.0


class EventSender:
    """Connects with the first event, so that reading needs no Kafka."""

    def __init__(self, settings: Settings) -> None:
        self._producer = SupervisedProducer(lambda: create_producer(settings, linger_ms=0))
        self._topic = settings.topics.lead_events
        self._hash_key = settings.hash_key.get_secret_value().encode()
        self._started = False
        self._starting = asyncio.Lock()

    async def send(self, event: Event) -> None:
        """Return once Kafka has acknowledged it (acks=all). Raises TryAgainError when it doesn't
        within 5 s: it may arrive all the same, so send it again with the same id.
        """
        await self._send(event, partition_key(self._hash_key, event.identifiers))

    async def send_erasure(self, order: ErasureOrder) -> None:
        """The same for an order that names nobody."""
        await self._send(erasure_event(order), erasure_key(self._hash_key, order))

    async def _send(self, event: Event, key: bytes) -> None:
        async with self._starting:
            if not self._started:
                await self._producer.start()
                self._started = True
        await self._producer.send(Record(self._topic, encode_event(event), key), ACK_SECONDS)

    async def stop(self) -> None:
        await self._producer.stop()

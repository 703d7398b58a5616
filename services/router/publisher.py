"""Publishing a chunk within one Kafka transaction, by a producer that fences its predecessor."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka.errors import InvalidProducerEpoch, ProducerFenced

from services.router.away import KAFKA_ERRORS
from services.router.cloudevents import Message, headers_of, key_of, topic_of
from services.router.faults import BEFORE_COMMIT, fault_point
from services.router.metrics import PUBLISHED
from services.router.outbox import LostShardError, Offsets
from shared.bus import close_producer, create_producer
from shared.errors import TryAgainError
from shared.settings import Settings

START_SECONDS = 30.0
PUBLISH_SECONDS = 25.0
# Longer than a chunk may take; an owner that died holds up readers for at most so long.
TRANSACTION_MS = 40_000
_FENCED = (ProducerFenced, InvalidProducerEpoch)


class Publisher:
    """The one producer of a shard.

    The transactional id is a fence and nothing else: starting a producer by the same id aborts the
    former owner's open transaction and refuses whatever it still sends.
    """

    def __init__(self, settings: Settings, shard: int) -> None:
        self._settings = settings
        self._producer = create_producer(
            settings,
            transactional_id=f"{settings.topic_prefix}leadscore-router-{shard}",
            transaction_timeout_ms=TRANSACTION_MS,
            linger_ms=0,
        )

    async def start(self) -> None:
        """Connect and fence. Raises TryAgainError while Kafka is away."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._producer.start()
        except KAFKA_ERRORS as error:
            raise TryAgainError(f"the producer can't start: {error!r}") from error

    async def publish(self, messages: Sequence[Message]) -> Offsets:
        """Send the messages in order, all or none; return the offsets that follow them.

        Raises LostShardError if another router fenced this one. After TryAgainError it is unknown
        whether they are on the topics: the shard must be taken over again.
        """
        if not messages:
            return {}  # everything was suppressed by now
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                return await self._transaction(messages)
        except _FENCED as error:
            raise LostShardError("fenced by another router") from error
        except KAFKA_ERRORS as error:
            if _was_fenced(error):
                raise LostShardError("fenced by another router") from error
            raise TryAgainError(f"not published: {error!r}") from error

    async def _transaction(self, messages: Sequence[Message]) -> Offsets:
        producer, topics = self._producer, self._settings.topics
        await producer.begin_transaction()
        waiting = [
            await producer.send(
                topic_of(topics, message.kind),
                message.data,
                key=key_of(message.lead_id),
                headers=headers_of(message),
            )
            for message in messages
        ]
        offsets: Offsets = {}
        for done in await asyncio.gather(*waiting):
            place = f"{done.topic}/{done.partition}"
            offsets[place] = max(offsets.get(place, 0), done.offset + 1)
        fault_point(BEFORE_COMMIT, self._settings.fault)
        await producer.commit_transaction()
        for message in messages:
            PUBLISHED.labels(message.kind).inc()
        return offsets

    async def close(self) -> None:
        """Let go without waiting for what isn't acknowledged: the next owner aborts it."""
        await close_producer(self._producer, 3.0)


def _was_fenced(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _FENCED):
            return True
        cause = cause.__cause__ or cause.__context__
    return False

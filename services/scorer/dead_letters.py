"""Records that can't be processed go to the dead-letter topic, as they were, with the reason."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

import structlog

from services.scorer.arrivals import TOO_OLD, Unreadable
from services.scorer.metrics import EVENTS
from shared.bus import Record, SupervisedProducer
from shared.settings import Settings

log = structlog.get_logger()

# A bad deploy must not push everything aside: past this many a minute the process ends itself.
MOST_PER_MINUTE = 1000


class TooManyDeadLettersError(Exception):
    """More records a minute fail than hostile input explains: a person must look."""


class DeadLetters:
    """Writes dead letters, acknowledged by Kafka before anybody moves on."""

    def __init__(self, settings: Settings, producer: SupervisedProducer) -> None:
        self._topic = settings.topics.dead_letter
        self._from = settings.topics.lead_events
        self._producer = producer
        self._recent: deque[float] = deque()

    async def put(self, partition: int, refused: Sequence[Unreadable]) -> None:
        """Write them. Raises TryAgainError when Kafka does not acknowledge, and
        TooManyDeadLettersError past the limit: in both cases nobody may skip the records.
        """
        # (That events are too old is foreseen, however many there are.)
        too_old = sum(one.error.code == TOO_OLD for one in refused)
        self._count(len(refused) - too_old)
        await self._producer.deliver([self._record(partition, one) for one in refused])
        EVENTS.labels("dead_letter").inc(len(refused) - too_old)
        EVENTS.labels(TOO_OLD).inc(too_old)
        for one in refused:
            log.warning(
                "record to the dead letter", partition=partition, offset=one.record.offset,
                error_class=one.error.code,
            )  # fmt: skip

    def _count(self, number: int) -> None:
        now = time.monotonic()
        while self._recent and self._recent[0] < now - 60:
            self._recent.popleft()
        self._recent.extend([now] * number)
        if len(self._recent) > MOST_PER_MINUTE:
            raise TooManyDeadLettersError(
                f"{len(self._recent)} records in a minute could not be processed"
            )

    def _record(self, partition: int, one: Unreadable) -> Record:
        headers = {
            "x-original-topic": self._from,
            "x-original-partition": str(partition),
            "x-original-offset": str(one.record.offset),
            "x-error-class": one.error.code,
            "x-error-message": str(one.error)[:500],
            "x-attempts": "1",
        }
        return Record(
            topic=self._topic,
            value=one.record.value,
            key=one.record.key,
            headers=[(name, value.encode()) for name, value in headers.items()],
        )

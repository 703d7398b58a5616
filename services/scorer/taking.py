"""Taking batches in for good: one transaction each, and how poison is found."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import asyncpg
import structlog

from services.scorer import metrics
from services.scorer.arrivals import TOO_OLD, Arrival, Record, TooOldError, Unreadable, read_records
from services.scorer.batch import BatchClaim, Taken, TooManyMergesError, take_in
from services.scorer.dead_letters import DeadLetters
from services.scorer.erasing import begin_erasure, end_erasure, erase_piece
from services.scorer.mentions import ERASURE
from services.scorer.patience import COLLISIONS, DATA_ERRORS, MOST_COLLISIONS, Patience
from services.scorer.scene import Scene
from shared.erasure_order import read_erasure_order
from shared.errors import PoisonError

log = structlog.get_logger()
Result = TypeVar("Result")

# A batch of more events that has collided more often than this is taken in by halves: the fewer
# leads it touches, the fewer others are in its way, and the shorter it is in theirs.
SMALL_BATCH = 100
LARGE_BATCH_COLLISIONS = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """Records of one partition, and the claim that goes with taking them in."""

    claim: BatchClaim
    records: Sequence[Record]


class Taker:
    """Takes batches in, waiting out whatever is away."""

    def __init__(
        self,
        pool: asyncpg.Pool[Any],
        patience: Patience,
        dead_letters: DeadLetters,
        scene: Callable[[], Scene],
        hash_key: bytes,
    ) -> None:
        self._pool = pool
        self._patience = patience
        self._dead_letters = dead_letters
        self._scene = scene
        self._hash_key = hash_key
        self.on_commit: Callable[[], None] = lambda: None  # told of each part of a batch

    async def take(self, batch: Batch) -> None:
        """Take a batch in.

        Raises LostPartitionError when the partition is another's now, TooManyDeadLettersError when
        too much fails; any other error is one that nobody foresaw.
        """
        started = time.perf_counter()
        arrivals, unreadable = read_records(batch.records, self._hash_key, self._scene().oldest_ms)
        if unreadable:
            await self._put_aside(batch.claim.partition, unreadable)
        claim = batch.claim
        for order in [one for one in arrivals if one.mention is ERASURE]:
            at = arrivals.index(order)
            before, arrivals = arrivals[:at], arrivals[at + 1 :]
            until, behind = order.record.offset, order.record.offset + 1
            await self._take(replace(claim, next_offset=until, watermark_ms=0), before)
            await self._erase(
                replace(claim, from_offset=until, next_offset=behind, watermark_ms=0), order
            )
            claim = replace(claim, from_offset=behind)
        await self._take(claim, arrivals)
        metrics.BATCH_SECONDS.observe(time.perf_counter() - started)
        metrics.BATCH_EVENTS.observe(len(batch.records))

    async def _erase(self, claim: BatchClaim, arrival: Arrival) -> None:
        """Erase a person. What is left by a process that dies in between, the next one deletes: it
        finds the order again.
        """
        order = read_erasure_order(arrival.event)
        await self._within(lambda connection: begin_erasure(connection, order, self._hash_key))
        while await self._within(lambda connection: erase_piece(connection, order)):
            pass
        if await self._within(lambda connection: end_erasure(connection, claim, order)):
            metrics.ERASURES.inc()
            log.info("a person was erased", erasure=str(order.id))

    async def _take(self, claim: BatchClaim, arrivals: list[Arrival]) -> None:
        try:
            _count(await self._transact(claim, arrivals))
        except TooOldError as error:
            poison = PoisonError(TOO_OLD, str(error))
            refused = [Unreadable(one.record, poison) for one in error.arrivals]
            await self._put_aside(claim.partition, refused)
            gone = {id(one) for one in error.arrivals}
            await self._take(claim, [one for one in arrivals if id(one) not in gone])
        except TooManyMergesError as error:
            await self._in_parts(claim, arrivals, error.parts)
        except COLLISIONS:
            if len(arrivals) <= SMALL_BATCH:
                raise
            await self._in_parts(claim, arrivals, 2)
        except DATA_ERRORS as error:
            await self._halve(claim, arrivals, error)

    async def _transact(self, claim: BatchClaim, arrivals: list[Arrival]) -> Taken:
        large = len(arrivals) > SMALL_BATCH
        return await self._within(
            lambda connection: take_in(connection, claim, arrivals, self._scene()),
            LARGE_BATCH_COLLISIONS if large else MOST_COLLISIONS,
        )

    async def _within(
        self, step: Callable[[Any], Awaitable[Result]], most_collisions: int = MOST_COLLISIONS
    ) -> Result:
        """Do a step in a transaction of its own."""

        async def work() -> Result:
            async with self._pool.acquire() as connection, connection.transaction():
                return await step(connection)

        done = await self._patience.through(work, most_collisions)
        self.on_commit()
        return done

    async def _in_parts(self, claim: BatchClaim, arrivals: list[Arrival], parts: int) -> None:
        """Take a batch in by parts of one size, each a transaction with its own claim."""
        metrics.BATCHES_PARTED.inc()
        size = -(-len(arrivals) // parts)
        offset = claim.from_offset
        for start in range(0, len(arrivals), size):
            part = replace(claim, from_offset=offset)
            if start + size < len(arrivals):
                offset = arrivals[start + size].record.offset
                part = replace(part, next_offset=offset, watermark_ms=0)
            await self._take(part, arrivals[start : start + size])

    async def _put_aside(self, partition: int, refused: list[Unreadable]) -> None:
        async def work() -> None:
            await self._dead_letters.put(partition, refused)

        await self._patience.through(work)

    async def _halve(
        self, claim: BatchClaim, arrivals: list[Arrival], error: BaseException
    ) -> None:
        """Halve a batch that can't be taken in, until the record at fault stands alone."""
        log.warning("batch is halved", size=len(arrivals), error_class=type(error).__name__)
        if not arrivals:
            raise error  # it is not the data
        if len(arrivals) == 1:
            poison = PoisonError(type(error).__name__, "the event could not be processed")
            if isinstance(error, PoisonError):
                poison = error
            await self._put_aside(claim.partition, [Unreadable(arrivals[0].record, poison)])
            await self._transact(claim, [])
            return
        await self._in_parts(claim, arrivals, 2)


def _count(taken: Taken) -> None:
    metrics.EVENTS.labels("scored").inc(taken.events)
    metrics.EVENTS.labels("duplicate").inc(taken.duplicates)
    metrics.EVENTS.labels("erased").inc(taken.erased)
    metrics.ENTRIES.inc(taken.entries)
    metrics.STAGE_CHANGES.labels("batch").inc(taken.changes)
    metrics.REFOLDED.inc(taken.refolded)
    metrics.MERGED.inc(taken.merged)
    metrics.CONFLICTS.inc(taken.conflicts)
    metrics.REVIEWED.inc(taken.reviewed)
    metrics.REFUSED_IDENTIFIERS.inc(taken.refused)

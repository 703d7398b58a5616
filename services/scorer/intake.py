"""The Kafka side: whose partitions are ours, fetching their records, batch after batch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from services.scorer import metrics
from services.scorer.batch import BatchClaim, LostPartitionError
from services.scorer.partitions import Owned, own
from services.scorer.patience import Patience
from services.scorer.taking import Batch, Taker

log = structlog.get_logger()
POLL_MS = 200
# While Postgres works on one batch, Python can work on another, of another partition.
BATCHES_IN_FLIGHT = 2
# How soon a batch that ended is followed up by the next, when the other partitions are quiet.
IN_FLIGHT_POLL_SECONDS = 0.02
# How long a rebalance waits for the batches in flight.
DRAIN_SECONDS = 30.0
# A broker answers many times a second, new records or not. aiokafka waits without a word when it
# doesn't.
SILENCE_SECONDS = 5.0


class Intake(ConsumerRebalanceListener):  # type: ignore[misc]
    """Fetches records of our partitions and has them taken in, in order per partition."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        topic: str,
        cluster_id: str,
        pool: Any,
        patience: Patience,
        taker: Taker,
        batch_max_events: int,
        kafka_is: Callable[[bool, str], None],
    ) -> None:
        self._consumer = consumer
        self._topic = topic
        self._cluster_id = cluster_id
        self._pool = pool
        self._patience = patience
        self._taker = taker
        taker.on_commit = self._goes_on
        self._batch_max_events = batch_max_events
        self._kafka_is = kafka_is
        self._in_flight: dict[int, asyncio.Task[None]] = {}
        self._reload = asyncio.Event()
        self._joined = False
        self._revoking = False
        self.owned: dict[int, Owned] = {}
        self.progress_at = time.monotonic()

    # -- the group's callbacks; they run beside the batches in flight ----------------------------

    async def on_partitions_revoked(self, _revoked: Iterable[TopicPartition]) -> None:
        """Let the batches in flight end, then forget what we owned."""
        self._revoking = True
        if self._in_flight:
            # One that takes longer: its claim in Postgres is the judge. A batch that ends later
            # than its epoch is undone.
            await asyncio.wait(self._in_flight.values(), timeout=DRAIN_SECONDS)
        self.owned = {}
        self._revoking = False
        metrics.PARTITIONS.set(0)

    async def on_partitions_assigned(self, _assigned: Iterable[TopicPartition]) -> None:
        """Only note it: errors raised here are swallowed, so the main loop does the work."""
        self._joined = True
        self._reload.set()

    # -- the main loop ---------------------------------------------------------------------------

    async def run(self, stopping: asyncio.Event) -> None:
        """Take batches in until told to stop; those in flight are always finished."""
        self._consumer.subscribe([self._topic], listener=self)
        try:
            while not stopping.is_set():
                if self._reload.is_set():
                    await self._landed(asyncio.ALL_COMPLETED)
                    await self._own_partitions()
                fetched = await self._fetch()
                for partition, records in fetched.items():
                    await self._send_off(partition.partition, records)
                self._observe(heard=bool(fetched))
                if self._in_flight and not fetched:
                    await self._landed(asyncio.FIRST_COMPLETED, IN_FLIGHT_POLL_SECONDS)
            await self._landed(asyncio.ALL_COMPLETED)
        except BaseException:
            await self._call_off()
            raise

    async def _fetch(self) -> dict[TopicPartition, list[Any]]:
        """Records of partitions of which no batch is in flight: a partition's come in order."""
        free = [one for one in self._consumer.assignment() if one.partition not in self._in_flight]
        if self._in_flight and not free:
            return {}
        try:
            fetched = await self._consumer.getmany(
                *free,
                timeout_ms=0 if self._in_flight else POLL_MS,
                max_records=self._batch_max_events,
            )
        except NoOffsetForPartitionError:
            # The assignment is live before we said where to begin.
            self._reload.set()
            await asyncio.sleep(0.05)
        except OffsetOutOfRangeError:
            self._reload.set()  # taking over again says precisely what is wrong
            await asyncio.sleep(0.2)
        except (KafkaError, OSError) as error:
            self._kafka_is(False, type(error).__name__)
            await asyncio.sleep(0.5)
        else:
            return dict(fetched)
        return {}

    async def _send_off(self, partition: int, records: list[Any]) -> None:
        """Begin with a batch, once there is room for it."""
        while len(self._in_flight) >= BATCHES_IN_FLIGHT:
            await self._landed(asyncio.FIRST_COMPLETED)
        self._in_flight[partition] = asyncio.create_task(self._take(partition, records))

    async def _landed(self, when: Any, seconds: float | None = None) -> None:
        """Wait for batches in flight. Raises what ended one."""
        if not self._in_flight:
            return
        await asyncio.wait(self._in_flight.values(), timeout=seconds, return_when=when)
        for partition, batch in list(self._in_flight.items()):
            if batch.done():
                del self._in_flight[partition]
                batch.result()

    async def _call_off(self) -> None:
        """Give up the batches in flight: their transactions are undone, and others begin anew."""
        for batch in self._in_flight.values():
            batch.cancel()
        if self._in_flight:
            await asyncio.wait(self._in_flight.values())

    async def _own_partitions(self) -> None:
        self._reload.clear()
        assigned = sorted(self._consumer.assignment(), key=lambda one: one.partition)
        if not assigned:
            return

        async def work() -> dict[int, Owned]:
            low = await self._consumer.beginning_offsets(assigned)
            high = await self._consumer.end_offsets(assigned)
            bounds = {one.partition: (low[one], high[one]) for one in assigned}
            async with self._pool.acquire() as connection, connection.transaction():
                return await own(connection, self._topic, self._cluster_id, bounds)

        try:
            owned = await self._patience.through(work)
        except (KafkaError, AssertionError) as error:
            # aiokafka asserts that it knows a broker, and it may have forgotten all of them.
            log.warning("partitions not taken over yet", error_class=type(error).__name__)
            self._reload.set()
            await asyncio.sleep(0.5)
            return
        if self._reload.is_set():
            return  # another rebalance came meanwhile
        for one in assigned:
            self._consumer.seek(one, owned[one.partition].next_offset)
        self.owned = owned
        self.progress_at = time.monotonic()
        metrics.PARTITIONS.set(len(owned))
        log.info("partitions taken over", partitions=sorted(owned))

    async def _take(self, partition: int, records: list[Any]) -> None:
        mine = self.owned.get(partition)
        if mine is None or self._revoking:
            return  # fetched before we knew where to begin, or ours no longer
        if records[0].offset < mine.next_offset:
            records = [one for one in records if one.offset >= mine.next_offset]
            if not records:
                return
        next_offset = records[-1].offset + 1
        claim = BatchClaim(
            self._topic, partition, mine.next_offset, next_offset, mine.epoch,
            watermark_ms=records[-1].timestamp,
        )  # fmt: skip
        try:
            await self._taker.take(Batch(claim, records))
        except LostPartitionError as error:
            log.warning("partition lost", claim=str(error))
            self.owned.pop(partition, None)
            self._reload.set()
            return
        mine.next_offset = next_offset

    def _goes_on(self) -> None:
        self.progress_at = time.monotonic()

    # -- what others ask -------------------------------------------------------------------------

    def _observe(self, *, heard: bool) -> None:
        # A scorer to which no partition falls stands by: that is ready, too.
        if not self._joined or self._reload.is_set():
            self._kafka_is(False, "the group has not shared out the partitions yet")
        else:
            self._kafka_is(heard or not self._is_silent(), "no broker answers")
        metrics.LAG.set(self.lag())
        if self.lag() == 0:
            self.progress_at = time.monotonic()

    def _is_silent(self) -> bool:
        """Has no broker said anything for a while about the partitions that are ours?"""
        assignment = self._consumer.assignment()
        places = [TopicPartition(self._topic, number) for number in self.owned]
        polled_ms = [
            self._consumer.last_poll_timestamp(at) or 0 for at in places if at in assignment
        ]
        newest_ms = max(polled_ms, default=0)
        return newest_ms > 0 and time.time() * 1000 - newest_ms > SILENCE_SECONDS * 1000

    def lag(self) -> int:
        """Records of our partitions that the broker has and we have not taken in."""
        return sum(self._behind(one) for one in self.owned.values())

    def _behind(self, one: Owned) -> int:
        at = TopicPartition(self._topic, one.partition)
        if at not in self._consumer.assignment():
            return 0
        return max((self._consumer.highwater(at) or 0) - one.next_offset, 0)

    def idle_since(self) -> dict[int, int]:
        """Partitions without lag → when the broker last said so (ms, this machine's clock)."""
        found: dict[int, int] = {}
        assignment = self._consumer.assignment()
        for one in list(self.owned.values()):
            at = TopicPartition(self._topic, one.partition)
            if at not in assignment:
                continue
            highwater = self._consumer.highwater(at)
            polled_ms = self._consumer.last_poll_timestamp(at)
            if highwater is not None and polled_ms and one.next_offset >= highwater:
                found[one.partition] = polled_ms
        return found

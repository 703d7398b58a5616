"""One shard of the outbox: fence, take over, then poll, publish and mark, chunk after chunk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from services.router.build import Builder
from services.router.faults import AFTER_COMMIT, fault_point
from services.router.metrics import (
    BACKLOG,
    CHUNK_SECONDS,
    FACTS_DONE,
    LAG_SECONDS,
    LEADS_BLOCKED,
)
from services.router.outbox import Offsets, Pool, Row, mark, save_offsets, waiting
from services.router.publisher import Publisher
from services.router.takeover import take_over
from shared.settings import Settings

log = structlog.get_logger()

POLL_SECONDS = 0.1
BLOCKED_RETRY_SECONDS = 60.0
# More leads than this behind facts that can't be built is a bad deploy, not bad data.
BLOCKED_MAX = 10_000


class TooManyBlockedError(Exception):
    """So many facts can't be built that the program must be at fault."""


@dataclass(slots=True)
class Ends:
    """Where the topics ended when somebody last looked.

    Offsets seen before a chunk is begun are safe to resume from, once everything of the shard up
    to then is marked.
    """

    ask: Callable[[], Awaitable[Offsets]]
    seen: Offsets = field(default_factory=dict)

    async def look(self) -> Offsets:
        self.seen = await self.ask()
        return self.seen


class Shard:
    """The work on one shard under one epoch. Not to be run twice: take the shard again instead."""

    def __init__(
        self, settings: Settings, pool: Pool, builder: Builder, ends: Ends, number: int, epoch: int
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._builder = builder
        self._ends = ends
        self.number = number
        self.epoch = epoch
        self._blocked: dict[str, float] = {}
        self._stored: Offsets = {}
        # For the watch: monotonic seconds since when facts may wait without any being marked.
        self.stuck_since: float | None = time.monotonic()

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping`; the chunk in hand is finished first.

        Raises LostShardError when another router has the shard, and TryAgainError or the driver's
        errors when Kafka or Postgres is away: then the shard must be claimed and taken over anew.
        """
        publisher = Publisher(self._settings, self.number)
        try:
            await publisher.start()
            until = await self._ends.look()
            rulesets = self._builder.rulesets
            await take_over(self._settings, self._pool, rulesets, self.number, self.epoch, until)
            self._stored = until
            while not stopping.is_set():
                if not await self._chunk(publisher):
                    await _pause(stopping, POLL_SECONDS)
        finally:
            await publisher.close()

    async def _chunk(self, publisher: Publisher) -> bool:
        """Deal with the oldest facts; False when there was nothing to send."""
        resume_from = self._ends.seen
        now = time.monotonic()
        self._blocked = {lead: at for lead, at in self._blocked.items() if at > now}
        limit = self._settings.router_chunk_max
        rows = await waiting(self._pool, self.number, list(self._blocked), limit)
        BACKLOG.labels(self.number).set(len(rows))
        if not rows:
            self.stuck_since = None
            if self._stored != resume_from:
                await save_offsets(self._pool, self.number, self.epoch, resume_from)
                self._stored = resume_from
            return False
        self.stuck_since = self.stuck_since or now
        with CHUNK_SECONDS.time():
            await self._deal_with(rows, publisher, resume_from)
        self.stuck_since = None
        return True

    async def _deal_with(self, rows: list[Row], publisher: Publisher, since: Offsets) -> None:
        built = await self._builder.build(rows)
        self._block(built.blocked)
        if not built.row_ids:
            return
        offsets = {**since, **await publisher.publish(built.messages)}
        fault_point(AFTER_COMMIT, self._settings.fault)
        await mark(
            self._pool,
            self.number,
            self.epoch,
            built.row_ids,
            built.messages,
            offsets,
            built.effects,
            built.kept,
        )
        FACTS_DONE.inc(len(built.row_ids))
        LAG_SECONDS.observe((datetime.now(UTC) - rows[0].created_at).total_seconds())

    def _block(self, leads: Iterable[str]) -> None:
        until = time.monotonic() + BLOCKED_RETRY_SECONDS
        self._blocked.update(dict.fromkeys(leads, until))
        LEADS_BLOCKED.labels(self.number).set(len(self._blocked))
        if len(self._blocked) > BLOCKED_MAX:
            raise TooManyBlockedError(f"shard {self.number}: {len(self._blocked)} leads wait")


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return

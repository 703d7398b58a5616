"""The scorer's recurring tasks: the watermark, timers, recalculation, the ruleset, the watchdog."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from services.scorer import metrics, queries
from services.scorer.account_work import forget_accounts, see_to_accounts
from services.scorer.audit.queries import LAST_RESULT
from services.scorer.intake import Intake
from services.scorer.live_ruleset import LiveRuleset
from services.scorer.partitions import raise_watermarks
from services.scorer.patience import Patience
from services.scorer.scene import Scene
from services.scorer.timers import LEADS_AT_ONCE, act_on_time, recalculate
from shared.health import Health

log = structlog.get_logger()
TICK_SECONDS = 0.5


class StalledError(Exception):
    """There is lag, everything answers, and yet nothing moves: a new process must take over."""


class Clockwork:
    """Knows the watermark, and does what is due by it."""

    def __init__(
        self,
        pool: Any,
        topic: str,
        intake: Intake,
        patience: Patience,
        ruleset: LiveRuleset,
        health: Health,
        scene: Callable[[], Scene],
    ) -> None:
        self._pool = pool
        self._topic = topic
        self._intake = intake
        self.patience = patience
        self._ruleset = ruleset
        self._health = health
        self._scene = scene
        self.watermark_ms = 0
        self._accounts_from = 0.0
        self._forgotten = 0  # the version under which accounts were forgotten

    async def watermark(self) -> None:
        """Raise the watermarks of our idle partitions, and read the least of all."""
        async with self._pool.acquire() as connection:
            # One clock for all: Postgres's. Ours may be off, so only the difference is used.
            ours_ms = time.time() * 1000
            now_ms = await connection.fetchval(queries.NOW_MS)
            shift = int(now_ms - ours_ms)
            idle = {
                partition: polled_ms + shift
                for partition, polled_ms in self._intake.idle_since().items()
            }
            await raise_watermarks(connection, self._topic, self._intake.owned.values(), idle)
            least = await connection.fetchval(queries.WATERMARK, self._topic)
        self.watermark_ms = max(self.watermark_ms, min(least or 0, now_ms))
        metrics.WATERMARK_AGE.set(max(now_ms - self.watermark_ms, 0) / 1000)

    async def timers(self) -> None:
        """See to all leads that are due by the watermark, some hundred at a time."""
        while True:
            seen_to, changes = await self.transact(lambda c: act_on_time(c, self._scene()))
            metrics.TIMERS.inc(seen_to)
            metrics.STAGE_CHANGES.labels("timer").inc(changes)
            if seen_to < LEADS_AT_ONCE:
                return
            await asyncio.sleep(0)

    async def accounts(self) -> None:
        """See to the companies whose members changed, and to those that are due; then leave twice
        as long to the batches. A ruleset without accounts costs one transaction when taken up.
        """
        scene = self._scene()
        began = time.monotonic()
        if scene.accounts is not None and began >= self._accounts_from:
            await see_to_accounts(self.transact, self._scene)
            ended = time.monotonic()
            self._accounts_from = ended + 2 * (ended - began)
            self._forgotten = 0
        elif scene.accounts is None and self._forgotten != scene.ruleset.version:
            await self.transact(forget_accounts)
            self._forgotten = scene.ruleset.version

    async def recalculation(self) -> None:
        """Score all leads again that stand under an older ruleset."""
        total = 0
        while done := await self.transact(lambda c: recalculate(c, self._scene())):
            total += done
            metrics.RECALCULATED.inc(done)
        if total:
            log.info("recalculated", leads=total, version=self._ruleset.current.version)

    async def audit_result(self) -> None:
        """Show what the last finished audit found; audits run in processes of their own."""
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(LAST_RESULT)
        if row is not None:
            metrics.AUDIT_CHECKED.set(row["checked"])
            metrics.AUDIT_DIFFERING.set(row["differing"])
            metrics.AUDIT_ENDED.set(row["ended"])

    async def transact(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        """Do work in a transaction, again and again until it succeeds."""

        async def attempt() -> Any:
            async with self._pool.acquire() as connection, connection.transaction():
                return await work(connection)

        return await self.patience.through(attempt)

    async def watchdog(self, stall_limit_seconds: float) -> None:
        """Raises StalledError when there is lag, all dependencies answer, and nothing moves."""
        if not self._health.ready:
            self._intake.progress_at = time.monotonic()
            return
        stalled = time.monotonic() - self._intake.progress_at
        if self._intake.lag() > 0 and stalled > stall_limit_seconds:
            raise StalledError(f"{self._intake.lag()} events wait, none taken in {stalled:.0f} s")


async def every(
    seconds: float, work: Callable[[], Awaitable[None]], stopping: asyncio.Event
) -> None:
    """Do the work again and again, with a pause between, until told to stop."""
    while not stopping.is_set():
        await work()
        try:
            async with asyncio.timeout(seconds):
                await stopping.wait()
        except TimeoutError:
            continue

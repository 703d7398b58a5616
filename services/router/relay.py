"""The relay: claims shards, runs each, renews the leases, and watches for standstill."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field

import structlog

from services.router.away import AWAY_ERRORS, KAFKA_ERRORS
from services.router.build import Builder
from services.router.claims import Claims
from services.router.history import History
from services.router.metrics import SHARDS_HELD, SHARDS_LOST
from services.router.outbox import LostShardError, Pool, sweep
from services.router.percentiles import Percentiles
from services.router.ruleset_words import Rulesets
from services.router.shard import Ends, Shard
from services.router.tail import end_offsets
from shared.bus import create_consumer
from shared.errors import TryAgainError
from shared.health import Health
from shared.settings import Settings

log = structlog.get_logger()

SWEEP_SECONDS = 60.0


class StalledError(Exception):
    """Facts wait, Kafka and Postgres answer, and yet nothing goes out: a restart may help."""


@dataclass(slots=True)
class _Running:
    shard: Shard
    stopping: asyncio.Event
    task: asyncio.Task[None]
    giving_back: bool = False


@dataclass(slots=True)
class Relay:
    """All of one process's shards."""

    settings: Settings
    pool: Pool
    health: Health
    owner: str
    _running: dict[int, _Running] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    # Since when each shard is stuck, over failed attempts too; and since when all is reachable.
    _stuck: dict[int, float] = field(default_factory=dict)
    _reachable_since: float = field(default_factory=time.monotonic)

    async def run(self, stopping: asyncio.Event) -> None:
        """Publish until `stopping`; then finish the chunks in hand and give the shards back.

        Raises StalledError, WrongShardsError and whatever isn't a dependency being away.
        """
        consumer = create_consumer(self.settings)
        claims = Claims(
            self.pool, self.owner, self.settings.router_shards, self.settings.router_lease_seconds
        )
        ends = Ends(lambda: end_offsets(self.settings, consumer))
        builder = Builder(
            self.pool,
            History(self.pool),
            Rulesets(self.pool),
            self.settings.public_url,
            Percentiles(self.pool, lambda: time.time_ns() // 1_000_000),
        )
        started = prepared = False
        swept_at = 0.0
        try:
            while not stopping.is_set():
                self._changed.clear()
                try:
                    if not started:
                        await _start(consumer)
                        started = True
                    await ends.look()
                    self.health.set("kafka", True)
                except AWAY_ERRORS as error:
                    self._away("kafka", error)
                try:
                    if not prepared:
                        await claims.prepare()
                        prepared = True
                    await self._share(claims, builder, ends if started else None)
                    if time.monotonic() - swept_at > SWEEP_SECONDS and not await sweep(self.pool):
                        swept_at = time.monotonic()
                    self.health.set("postgres", True)
                except AWAY_ERRORS as error:
                    self._away("postgres", error)
                self._reap()
                self._watch()
                await self._wait(stopping)
        finally:
            await self._stop_all(claims)
            with contextlib.suppress(*KAFKA_ERRORS):
                await asyncio.wait_for(consumer.stop(), 5.0)

    async def _share(self, claims: Claims, builder: Builder, ends: Ends | None) -> None:
        """Renew what is held, give back what is too much, take what is free."""
        share = await claims.announce()
        still = await claims.renew({n: each.shard.epoch for n, each in self._running.items()})
        for number, each in self._running.items():
            if number not in still:
                each.task.cancel()
        held = [each for each in self._running.values() if not each.giving_back]
        for each in held[share:]:
            each.giving_back = True
            each.stopping.set()
        if ends is None or not self.health.checks.get("kafka", (False, ""))[0]:
            return
        for number in await claims.free():
            if len(self._running) >= share:
                break
            if number in self._running:
                continue
            epoch = await claims.claim(number)
            if epoch is not None:
                self._begin(Shard(self.settings, self.pool, builder, ends, number, epoch), claims)

    def _begin(self, shard: Shard, claims: Claims) -> None:
        stopping = asyncio.Event()
        task = asyncio.create_task(self._work(shard, stopping, claims))
        task.add_done_callback(lambda _: self._changed.set())
        self._running[shard.number] = _Running(shard, stopping, task)

    async def _work(self, shard: Shard, stopping: asyncio.Event, claims: Claims) -> None:
        try:
            await shard.run(stopping)
        except LostShardError:
            SHARDS_LOST.labels("taken").inc()
            log.warning("shard lost to another router", shard=shard.number)
        except AWAY_ERRORS as error:
            SHARDS_LOST.labels("away").inc()
            log.warning("shard to be taken anew", shard=shard.number, error=_said(error))
            await asyncio.sleep(min(1.0, self.settings.router_lease_seconds / 3))
        else:
            await claims.release(shard.number, shard.epoch)

    def _reap(self) -> None:
        """Drop what has ended; an error that is no dependency's ends the process."""
        for number, each in list(self._running.items()):
            if each.task.done():
                del self._running[number]
                if not each.task.cancelled():
                    each.task.result()
        SHARDS_HELD.set(len(self._running))

    def _watch(self) -> None:
        now, limit = time.monotonic(), self.settings.stall_limit_seconds
        if not self.health.ready:
            self._reachable_since = now
        for number, each in self._running.items():
            since = each.shard.stuck_since
            if since is None:
                self._stuck.pop(number, None)
                continue
            since = max(self._stuck.setdefault(number, since), self._reachable_since)
            if now - since > limit:
                raise StalledError(f"shard {number}: no fact marked for {limit:.0f} s")

    def _away(self, name: str, error: BaseException) -> None:
        if self.health.checks.get(name, (True, ""))[0] or name not in self.health.checks:
            log.warning("a dependency is away", dependency=name, error=_said(error))
        self.health.set(name, False, type(error).__name__)

    async def _wait(self, stopping: asyncio.Event) -> None:
        """Until a third of a lease has passed, a shard has ended, or it is time to stop."""
        waits = {asyncio.create_task(stopping.wait()), asyncio.create_task(self._changed.wait())}
        _, pending = await asyncio.wait(
            waits,
            timeout=self.settings.router_lease_seconds / 3,
            return_when=asyncio.FIRST_COMPLETED,
        )
        for each in pending:
            each.cancel()

    async def _stop_all(self, claims: Claims) -> None:
        for each in self._running.values():
            each.stopping.set()
        if self._running:
            _, late = await asyncio.wait(
                [each.task for each in self._running.values()], timeout=30.0
            )
            for task in late:
                task.cancel()
        with contextlib.suppress(*AWAY_ERRORS):
            await asyncio.wait_for(claims.leave(), 5.0)


async def _start(consumer: object) -> None:
    try:
        await asyncio.wait_for(consumer.start(), 15.0)  # type: ignore[attr-defined]
    except KAFKA_ERRORS as error:
        raise TryAgainError(f"no broker answers: {error!r}") from error


def _said(error: BaseException) -> str:
    """The error without what Postgres quotes of the data."""
    return str(error) if isinstance(error, TryAgainError) else type(error).__name__

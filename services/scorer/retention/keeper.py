"""Works the classes of data off, one small step after the other; one scorer at a time a class."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog

from services.scorer import metrics
from services.scorer.retention import queries
from services.scorer.retention.bots import drop_bots
from services.scorer.retention.events import fold_old_events
from services.scorer.retention.logs import drop_logs
from services.scorer.retention.steps import Step, Sweep
from services.scorer.retention.visitors import drop_visitors
from services.scorer.scene import Scene
from shared.settings import Settings

log = structlog.get_logger()

DAY_MS = 86_400_000
# Sweeps overlap by so much: leads may have merged past the last one.
OVERLAP_MS = 2 * DAY_MS
# So long at most at a time; then the batches have as long.
BUSY_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class DataClass:
    """What is kept for so many days. number: of its lock."""

    number: int
    days: Callable[[Settings], int]
    step: Callable[[Any, Scene, Sweep], Awaitable[Step]]


CLASSES = {
    "events": DataClass(1, lambda s: s.retention_events_days, fold_old_events),
    "anonymous": DataClass(2, lambda s: s.retention_anonymous_days, drop_visitors),
    "bots": DataClass(3, lambda s: s.retention_bots_days, drop_bots),
    "logs": DataClass(4, lambda s: s.retention_logs_days, drop_logs),
}

Transact = Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]]


class Keeper:
    """Knows the horizon of events, and does a little at each tick."""

    def __init__(self, settings: Settings, transact: Transact, scene: Callable[[], Scene]) -> None:
        self._settings = settings
        self._transact = transact
        self._scene = scene
        self._from = time.monotonic() + settings.retention_start_seconds
        # Events before this instant are refused.
        self.oldest_ms = 0

    async def tick(self) -> None:
        """Read how far each class is; then work for a moment."""
        await self._transact(self._read)
        began = time.monotonic()
        if began < self._from:
            return
        for name in CLASSES:
            while time.monotonic() < began + BUSY_SECONDS and await self._work(name):
                pass

    async def _read(self, connection: Any) -> None:
        for row in await connection.fetch(queries.PROGRESS):
            name = row["class"]
            metrics.RETENTION_HORIZON.labels(name).set(row["until_ms"] / 1000)
            if row["ended_at"] is not None:
                metrics.RETENTION_SWEPT.labels(name).set(row["ended_at"].timestamp())
            if name == "events":
                self.oldest_ms = row["until_ms"] + 1

    async def _work(self, name: str) -> bool:
        """One step of a class. Is there more to do?"""
        made = await self._transact(
            lambda connection: take_step(connection, name, self._settings, self._scene())
        )
        if made is None:
            return False
        if not made.looked:
            await self._transact(self._read)  # it may have begun: its horizon holds from now on
        metrics.RETENTION_ROWS.labels(name).inc(made.gone)
        if made.ended:
            log.info("retention", data=name, gone=made.gone)
        return not (made.waits or made.ended)


async def take_step(connection: Any, name: str, settings: Settings, scene: Scene) -> Step | None:
    """One step of a class of data, inside the caller's transaction: a sweep begins, or goes on.
    None: there is nothing to do, or another scorer does it.
    """
    kind = CLASSES[name]
    days = kind.days(settings)
    if not days or not await connection.fetchval(queries.OWN, kind.number):
        return None
    row = await connection.fetchrow(queries.ONE_PROGRESS, name)
    if row is None or row["ended_at"] is not None:
        until_ms = scene.watermark_ms - days * DAY_MS
        before_ms = row["until_ms"] if row is not None else -1
        if until_ms <= before_ms or (
            row is not None and row["begun_seconds"] < settings.retention_every_seconds
        ):
            return None
        since_ms = max(before_ms - OVERLAP_MS, -1)
        await connection.execute(queries.BEGIN, name, until_ms, since_ms)
        return Step()
    made = await kind.step(
        connection, scene, Sweep(row["until_ms"], row["since_ms"], row["position"])
    )
    if not made.waits:
        await connection.execute(
            queries.NOTE, name, made.position, made.looked, made.gone, made.ended
        )
    return made

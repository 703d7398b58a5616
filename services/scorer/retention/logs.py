"""The logs of what was sent go: ended webhook deliveries, and facts that were published."""

from __future__ import annotations

from typing import Any

from services.scorer.retention import queries
from services.scorer.retention.steps import Step, Sweep, deleted
from services.scorer.scene import Scene

ROWS_A_STEP = 2_000


async def drop_logs(connection: Any, scene: Scene, sweep: Sweep) -> Step:
    """Delete some rows, inside the caller's transaction: of deliveries, then of the outbox."""
    del scene
    table, _, place = sweep.position.partition(" ")
    if table != "outbox":
        return await _deliveries(connection, int(place or 0), sweep.until_ms)
    shard, _, number = place.partition(" ")
    return await _facts(connection, int(shard), int(number), sweep.until_ms)


async def _deliveries(connection: Any, after: int, until_ms: int) -> Step:
    rows = await connection.fetch(queries.DELIVERIES, after, until_ms, ROWS_A_STEP)
    old = [number for number, is_old in rows if is_old]
    gone = deleted(await connection.execute(queries.DROP_DELIVERIES, old)) if old else 0
    more = len(rows) == ROWS_A_STEP
    return Step(f"delivery {rows[-1][0]}" if more else "outbox -1 0", len(rows), gone)


async def _facts(connection: Any, shard: int, after: int, until_ms: int) -> Step:
    rows = await connection.fetch(queries.FACTS, shard, after, until_ms, ROWS_A_STEP)
    old = [(shard, number) for shard, number, is_old in rows if is_old]
    gone = 0
    if old:
        columns = [list(column) for column in zip(*old, strict=True)]
        gone = deleted(await connection.execute(queries.DROP_FACTS, *columns))
    if len(rows) < ROWS_A_STEP:
        return Step("", len(rows), gone, ended=True)
    return Step(f"outbox {rows[-1][0]} {rows[-1][1]}", len(rows), gone)

"""What would go, if a sweep of each class began and ended now. Nothing is changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from services.scorer.retention import queries
from services.scorer.retention.bots import is_bot
from services.scorer.retention.keeper import CLASSES, DAY_MS
from services.scorer.retention.steps import LEADS_A_LOOK, NOBODY
from shared.bodies import open_body
from shared.settings import Settings

OLD_EVENTS = "SELECT count(*) FROM event WHERE occurred_ms <= $1"
OLD_BODIES = "SELECT body FROM event WHERE occurred_ms <= $1"
OLD_LOGS = """
SELECT (SELECT count(*) FROM delivery WHERE ended_at <= to_timestamp($1 / 1000.0))
     + (SELECT count(*) FROM outbox WHERE published_at <= to_timestamp($1 / 1000.0))
"""


async def would_go(connection: Any, settings: Settings, now_ms: int) -> dict[str, int]:
    """Rows (of the class anonymous: leads, hand-offs not looked at) by class; those kept for ever
    are left out. Reads whole tables, inside the caller's read-only transaction.
    """
    found = {}
    for name, kind in CLASSES.items():
        if days := kind.days(settings):
            found[name] = await _counted(connection, name, now_ms - days * DAY_MS)
    return found


async def _counted(connection: Any, name: str, until_ms: int) -> int:
    if name == "events":
        return int(await connection.fetchval(OLD_EVENTS, until_ms))
    if name == "logs":
        return int(await connection.fetchval(OLD_LOGS, until_ms))
    if name == "anonymous":
        return sum([is_stale async for _, is_stale in _visitors(connection, until_ms)])
    return sum([
        is_bot(open_body(row[0])) async for row in connection.cursor(OLD_BODIES, until_ms)
    ])  # fmt: skip


async def _visitors(connection: Any, until_ms: int) -> AsyncIterator[tuple[UUID, bool]]:
    after = NOBODY
    while rows := await connection.fetch(queries.STALE_VISITORS, after, until_ms, LEADS_A_LOOK):
        for row in rows:
            yield row[0], row[1]
        after = rows[-1][0]

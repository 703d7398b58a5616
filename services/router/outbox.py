"""The outbox: what waits, marking what is out, and sweeping what is old. All of it set-based."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg
import msgspec

from services.router.cloudevents import Message, webhook_body
from services.router.effects import carry_out
from services.router.kept_handoffs import Kept, keep
from services.router.metrics import SWEPT
from services.router.table import Effect

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Offsets = dict[str, int]  # "topic/partition" → the next offset

WAITING = """
SELECT id, lead_id::text AS lead_id, fact, created_at FROM outbox
WHERE published_at IS NULL AND shard = $1 AND lead_id <> ALL ($2::uuid[])
ORDER BY id LIMIT $3
"""
WAITING_OF_LEADS = """
SELECT id, lead_id::text AS lead_id, fact, created_at FROM outbox
WHERE published_at IS NULL AND shard = $1 AND lead_id = ANY ($2::uuid[]) ORDER BY id
"""
ANY_WAITING = "SELECT EXISTS (SELECT 1 FROM outbox WHERE published_at IS NULL AND shard = $1)"
SAVE_OFFSETS = """
UPDATE router_shard SET offsets = offsets || $3::jsonb WHERE shard = $1 AND epoch = $2
RETURNING shard
"""
MARK = """
UPDATE outbox SET published_at = now() WHERE id = ANY ($1::bigint[]) RETURNING lead_id::text
"""
ENABLED = "SELECT EXISTS (SELECT 1 FROM destination WHERE disabled_why IS NULL)"
ADD_DELIVERIES = """
INSERT INTO delivery (destination_id, lead_id, message_id, body, next_attempt_at)
SELECT d.id, m.lead_id, m.message_id, m.body, now()
FROM unnest($1::uuid[], $2::text[], $3::bytea[])
     WITH ORDINALITY AS m (lead_id, message_id, body, position)
CROSS JOIN destination AS d
WHERE d.disabled_why IS NULL
ORDER BY m.position
ON CONFLICT (destination_id, message_id) DO NOTHING
"""

# Rows are removed oldest first, a window at a time, so that a sweep never reads the whole table.
SWEEP_WINDOW = 2_000
KEPT_DAYS = 7
SWEEPS = {
    "outbox": """
DELETE FROM outbox WHERE id IN (
    SELECT id FROM (SELECT id, published_at FROM outbox ORDER BY id LIMIT $1) AS oldest
    WHERE published_at < now() - make_interval(days => $2))
""",
    "delivery": """
DELETE FROM delivery WHERE id IN (
    SELECT id FROM (SELECT id, ended_at FROM delivery ORDER BY id LIMIT $1) AS oldest
    WHERE ended_at < now() - make_interval(days => $2))
""",
}


class LostShardError(Exception):
    """Another router owns this shard now; what this one still holds of it is void."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the outbox; `fact` is JSON text."""

    id: int
    lead_id: str
    fact: str
    created_at: datetime


async def waiting(pool: Pool, shard: int, blocked: Sequence[str], limit: int) -> list[Row]:
    """The oldest unpublished facts of a shard, those of blocked leads left out."""
    return [Row(**row) for row in await pool.fetch(WAITING, shard, blocked, limit)]


async def waiting_of(pool: Pool, shard: int, lead_ids: Sequence[str]) -> list[Row]:
    """The unpublished facts of some leads."""
    return [Row(**row) for row in await pool.fetch(WAITING_OF_LEADS, shard, lead_ids)]


async def any_waiting(pool: Pool, shard: int) -> bool:
    return bool(await pool.fetchval(ANY_WAITING, shard))


async def save_offsets(connection: Any, shard: int, epoch: int, offsets: Offsets) -> None:
    """Note up to where every message of this shard is marked. Raises LostShardError."""
    found = await connection.fetchval(
        SAVE_OFFSETS, shard, epoch, msgspec.json.encode(offsets).decode()
    )
    if found is None:
        raise LostShardError(f"shard {shard}")


async def mark(
    pool: Pool,
    shard: int,
    epoch: int,
    row_ids: Sequence[int],
    messages: Sequence[Message],
    offsets: Offsets,
    effects: Sequence[Effect] = (),
    kept: Sequence[Kept] = (),
) -> None:
    """Note in one transaction that these facts are out, queue their webhooks, and do what else
    follows from them.

    messages: theirs, in the order they went out. Raises LostShardError if another router took the
    shard over; nothing is written then. Of a lead that was erased meanwhile no row is left, and
    nothing more is sent.
    """
    async with pool.acquire() as connection, connection.transaction():
        await save_offsets(connection, shard, epoch, offsets)
        there = {row[0] for row in await connection.fetch(MARK, row_ids)}
        messages = [message for message in messages if message.lead_id in there]
        await keep(connection, [each for each in kept if each.lead_id in there])
        await carry_out(connection, [effect for effect in effects if effect.lead_id in there])
        if messages and await connection.fetchval(ENABLED):
            await connection.execute(
                ADD_DELIVERIES,
                [message.lead_id for message in messages],
                [str(message.id) for message in messages],
                [webhook_body(message) for message in messages],
            )


async def sweep(pool: Pool) -> bool:
    """Remove one window of old rows; True if there may be more."""
    more = False
    for table, statement in SWEEPS.items():
        removed = int((await pool.execute(statement, SWEEP_WINDOW, KEPT_DAYS)).split()[-1])
        SWEPT.labels(table).inc(removed)
        more = more or removed > 0
    return more

"""The outbox: what waits, marking what is out, and sweeping what is old. All of it set-based."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg
import msgspec
import structlog

from services.router.choosing import chosen
from services.router.cloudevents import TYPES, Message, webhook_body
from services.router.effects import carry_out
from services.router.kept_handoffs import Kept, keep
from services.router.metrics import SWEPT
from services.router.table import Effect
from shared.outbound.kinds import WishError, Wishes, wishes_of

log = structlog.get_logger()

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
# Held until the end of the transaction: none is removed while its deliveries are queued.
ENABLED = """
SELECT id, kind, settings::text AS settings FROM destination WHERE disabled_why IS NULL
FOR KEY SHARE
"""
ADD_DELIVERIES = """
INSERT INTO delivery (destination_id, lead_id, message_id, type, body, next_attempt_at)
SELECT p.destination_id, m.lead_id, m.message_id, m.type, m.body, now()
FROM unnest($5::uuid[], $6::int[]) AS p (destination_id, position)
JOIN unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[])
     WITH ORDINALITY AS m (lead_id, message_id, type, body, position)
  ON m.position = p.position + 1
ORDER BY p.position
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
        if messages:
            await _queue(connection, messages)


async def _queue(connection: Any, messages: Sequence[Message]) -> None:
    """Deliveries of these messages to whoever asks for them."""
    filters = {
        row["id"]: wishes.filter
        for row in await connection.fetch(ENABLED)
        if (wishes := readable(row)) is not None
    }
    pairs = chosen(filters, messages)
    if not pairs:
        return
    # Bodies that nobody asks for aren't sent to Postgres.
    used = sorted({position for _, position in pairs})
    place = {position: number for number, position in enumerate(used)}
    queued = [messages[position] for position in used]
    await connection.execute(
        ADD_DELIVERIES,
        [message.lead_id for message in queued],
        [str(message.id) for message in queued],
        [TYPES[message.kind][1] for message in queued],
        [webhook_body(message) for message in queued],
        [destination for destination, _ in pairs],
        [place[position] for _, position in pairs],
    )


def readable(row: Any) -> Wishes | None:
    """What a destination's row asks for; None, and said, where this router can't read it."""
    try:
        return wishes_of(row["kind"], msgspec.json.decode(row["settings"]))
    except WishError as error:
        log.error(  # noqa: TRY400 - said in full
            "a destination's settings can't be read", id=str(row["id"]), why=str(error)
        )
        return None


async def sweep(pool: Pool) -> bool:
    """Remove one window of old rows; True if there may be more."""
    more = False
    for table, statement in SWEEPS.items():
        removed = int((await pool.execute(statement, SWEEP_WINDOW, KEPT_DAYS)).split()[-1])
        SWEPT.labels(table).inc(removed)
        more = more or removed > 0
    return more

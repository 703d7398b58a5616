"""The log of what was sent, waits and failed; and sending again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID

from shared.outbound.destinations import Database
from shared.outbound.destinations import find as find_destination

Status = Literal["waiting", "delivered", "failed", "suppressed"]
STATUSES: tuple[Status, ...] = get_args(Status)
RESENT_MAX = 100_000  # by one order

_COLUMNS = """
d.id, t.name AS destination, d.lead_id, d.message_id, d.type, d.status, d.attempts,
d.next_attempt_at, d.last_answer, d.created_at, d.ended_at
"""
# Newest first; $6: an id that all of them are below.
LIST = f"""
SELECT {_COLUMNS} FROM delivery AS d JOIN destination AS t ON t.id = d.destination_id
WHERE ($1::text IS NULL OR t.name = $1) AND ($2::text IS NULL OR d.status = $2)
  AND ($3::uuid IS NULL OR d.lead_id = $3) AND ($4::text IS NULL OR d.type = $4)
  AND ($5::timestamptz IS NULL OR d.created_at >= $5) AND ($6::bigint IS NULL OR d.id < $6)
ORDER BY d.id DESC LIMIT $7
"""  # noqa: S608 - texts of ours
FIND = f"""
SELECT {_COLUMNS} FROM delivery AS d JOIN destination AS t ON t.id = d.destination_id
WHERE d.id = $1
"""  # noqa: S608 - texts of ours
ATTEMPTS = """
SELECT attempt, at, duration_ms, outcome, answer FROM delivery_attempt
WHERE delivery_id = $1 ORDER BY attempt
"""
# What waits is on its way already. FOR UPDATE, so that what ends meanwhile is left alone.
_ASKED = """
SELECT d.id FROM delivery AS d JOIN destination AS t ON t.id = d.destination_id
WHERE d.status <> 'waiting' AND ($1::bigint[] IS NULL OR d.id = ANY ($1))
  AND ($2::text IS NULL OR t.name = $2) AND ($3::text[] IS NULL OR d.status = ANY ($3))
  AND ($4::timestamptz IS NULL OR d.created_at >= $4)
ORDER BY d.id LIMIT $5
"""
COUNT_ASKED = f"SELECT count(*) FROM ({_ASKED}) AS asked"  # noqa: S608 - texts of ours
RESEND = f"""
WITH asked AS ({_ASKED} FOR UPDATE OF d),
  again AS (
    UPDATE delivery SET status = 'waiting', spent = 0, queued_at = now(), next_attempt_at = now(),
           ended_at = NULL
    FROM asked WHERE delivery.id = asked.id RETURNING delivery.id)
SELECT count(*) FROM again
"""  # noqa: S608 - texts of ours


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message for a destination; its body isn't told."""

    id: int
    destination: str
    lead_id: UUID
    message_id: str
    type: str
    status: str
    attempts: int
    next_attempt_at: datetime | None
    last_answer: str
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """answer: what is known of it without a word that the receiver wrote."""

    attempt: int
    at: datetime
    duration_ms: int
    outcome: str
    answer: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries; what is None isn't asked for."""

    destination: str | None = None
    status: str | None = None
    lead_id: UUID | None = None
    type: str | None = None
    since: datetime | None = None


async def listed(
    database: Database, wanted: Wanted, limit: int, before: int | None = None
) -> list[Delivery]:
    """The newest first; before: below this id. Raises NoDestinationError."""
    await _check(database, wanted.destination)
    rows = await database.fetch(
        LIST, wanted.destination, wanted.status, wanted.lead_id, wanted.type, wanted.since,
        before, limit,
    )  # fmt: skip
    return [_read(row) for row in rows]


async def find(database: Database, delivery_id: int) -> tuple[Delivery, list[Attempt]] | None:
    """A delivery with its attempts, the first one first; None if there is none (any more)."""
    rows = await database.fetch(FIND, delivery_id)
    if not rows:
        return None
    attempts = [Attempt(**dict(row)) for row in await database.fetch(ATTEMPTS, delivery_id)]
    return _read(rows[0]), attempts


async def resend(
    database: Database,
    *,
    ids: Sequence[int] | None = None,
    destination: str | None = None,
    statuses: Sequence[str] | None = None,
    since: datetime | None = None,
    dry_run: bool = False,
) -> int:
    """Queue ended deliveries anew, with the ids that their messages had; how many. What is None
    isn't asked for: don't leave all of it out. Raises NoDestinationError.
    """
    if ids is None and destination is None and since is None:
        raise ValueError("all deliveries there are can't be meant")
    await _check(database, destination)
    query = COUNT_ASKED if dry_run else RESEND
    return int(
        await database.fetchval(
            query,
            None if ids is None else list(ids),
            destination,
            None if statuses is None else list(statuses),
            since,
            RESENT_MAX,
        )
    )


async def _check(database: Database, destination: str | None) -> None:
    if destination is not None:
        await find_destination(database, destination)


def _read(row: Any) -> Delivery:
    values = dict(row)
    if values["status"] != "waiting":
        values["next_attempt_at"] = None
    return Delivery(**values)

"""Every query of the read API, named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.explanation import StoredEvent, TimeGiven
from services.console.lead_view import LeadRow
from shared.lead_state import decode_scores
from shared.tables import audit_run, event, identifier, lead, stage_history, time_entry

LEAD_COLUMNS = (
    lead.c.id,
    lead.c.created_ms,
    lead.c.known,
    lead.c.merged_into,
    lead.c.ruleset_version,
    lead.c.stage,
    lead.c.stage_since_ms,
    lead.c.scores,
)


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Which leads: all that have each of the identifiers, and stand in the stage if one is given.

    after: the id of the last lead of the page before.
    """

    identifiers: tuple[tuple[int, str], ...] = ()
    stage: str | None = None
    after: UUID | None = None


async def leads(connection: AsyncConnection, which: LeadFilter, limit: int) -> list[LeadRow]:
    """Leads that live on, the newest first; absorbed ones are left out."""
    query = sa.select(*LEAD_COLUMNS).where(lead.c.merged_into.is_(None))
    for kind, value in which.identifiers:
        named = sa.select(identifier.c.lead_id).where(
            identifier.c.kind == kind, identifier.c.value == value
        )
        query = query.where(lead.c.id.in_(named))
    if which.stage is not None:
        query = query.where(lead.c.stage == which.stage)
    if which.after is not None:
        query = query.where(lead.c.id < which.after)
    result = await connection.execute(query.order_by(lead.c.id.desc()).limit(limit))
    return [_lead_row(row) for row in result]


async def one_lead(connection: AsyncConnection, lead_id: UUID) -> LeadRow | None:
    """A lead by its id, absorbed or not."""
    result = await connection.execute(sa.select(*LEAD_COLUMNS).where(lead.c.id == lead_id))
    row = result.one_or_none()
    return None if row is None else _lead_row(row)


async def identifiers_of(
    connection: AsyncConnection, lead_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[int, str]]]:
    """(kind, value) by lead, in a stable order."""
    found: dict[UUID, list[tuple[int, str]]] = {lead_id: [] for lead_id in lead_ids}
    result = await connection.execute(
        sa.select(identifier.c.lead_id, identifier.c.kind, identifier.c.value)
        .where(identifier.c.lead_id.in_(lead_ids))
        .order_by(identifier.c.kind, identifier.c.value)
    )
    for lead_id, kind, value in result:
        found[lead_id].append((kind, value))
    return found


async def earning_events(connection: AsyncConnection, lead_id: UUID) -> list[StoredEvent]:
    """A lead's events that earned points, oldest first."""
    result = await connection.execute(
        sa.select(event.c.occurred_ms, event.c.body, event.c.entries)
        .where(event.c.lead_id == lead_id, event.c.entries.is_not(None))
        .order_by(event.c.occurred_ms)
    )
    return [StoredEvent(*row) for row in result]


async def entries_by_time(connection: AsyncConnection, lead_id: UUID) -> list[TimeGiven]:
    """What time gave a lead, or took, oldest first."""
    result = await connection.execute(
        sa.select(time_entry.c.at_ms, time_entry.c.entries)
        .where(time_entry.c.lead_id == lead_id)
        .order_by(time_entry.c.at_ms)
    )
    return [TimeGiven(*row) for row in result]


async def newest_events(
    connection: AsyncConnection, lead_id: UUID, before: tuple[int, UUID] | None, limit: int
) -> list[tuple[UUID, StoredEvent]]:
    """A page of a lead's events with their keys, newest first; `before`: (occurred_ms, key)."""
    query = sa.select(event.c.key, event.c.occurred_ms, event.c.body, event.c.entries).where(
        event.c.lead_id == lead_id
    )
    if before is not None:
        query = query.where(
            # The first condition is what the index can use.
            event.c.occurred_ms <= before[0],
            sa.tuple_(event.c.occurred_ms, event.c.key) < sa.tuple_(*before),
        )
    query = query.order_by(event.c.occurred_ms.desc(), event.c.key.desc()).limit(limit)
    result = await connection.execute(query)
    return [(key, StoredEvent(*stored)) for key, *stored in result]


async def stage_moves(
    connection: AsyncConnection, lead_id: UUID, before_seq: int | None, limit: int
) -> list[sa.Row[Any]]:
    """A page of a lead's stage history, newest first."""
    query = sa.select(stage_history).where(stage_history.c.lead_id == lead_id)
    if before_seq is not None:
        query = query.where(stage_history.c.seq < before_seq)
    result = await connection.execute(query.order_by(stage_history.c.seq.desc()).limit(limit))
    return list(result)


async def leads_by_stage(connection: AsyncConnection) -> dict[str, int]:
    """How many leads that live on stand in each stage; empty stages are missing."""
    result = await connection.execute(
        sa.select(lead.c.stage, sa.func.count().label("leads"))
        .where(lead.c.merged_into.is_(None))
        .group_by(lead.c.stage)
    )
    return {row.stage: row.leads for row in result}


async def newest_audits(
    connection: AsyncConnection,
) -> tuple[sa.Row[Any] | None, sa.Row[Any] | None]:
    """(the newest audit that was finished, the newest of all)."""
    newest = sa.select(audit_run).order_by(audit_run.c.id.desc()).limit(1)
    finished = newest.where(audit_run.c.ended_at.is_not(None))
    return (await connection.execute(finished)).first(), (await connection.execute(newest)).first()


def _lead_row(row: sa.Row[*tuple[Any, ...]]) -> LeadRow:
    values = row._asdict()
    return LeadRow(**{**values, "scores": decode_scores(values["scores"])})

"""All that is stored of some leads, as of one instant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.scorer.audit import queries
from services.scorer.carries import load_carries
from services.scorer.core.carrying import Carried


@dataclass(frozen=True, slots=True)
class Move:
    """A row of the stage history."""

    seq: int
    journey: str
    from_stage: str
    to_stage: str


@dataclass(slots=True)
class StoredLead:
    """A lead's row and what belongs to it, not decoded yet.

    events: (body, entries) in no order · by_time: (instant in ms, entries), in order · moves: in
    order of their numbers · carried: of the lead and those merged into it, what is left of events
    that are deleted.
    """

    id: UUID
    ruleset_version: int
    stage: str
    stage_since_ms: int
    scores: bytes
    journeys: bytes
    events: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    by_time: list[tuple[int, bytes]] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    carried: list[Carried] = field(default_factory=list)


async def leads_between(connection: Any, after: UUID, upto: UUID) -> list[StoredLead]:
    """The leads of a range of ids, as one snapshot sees them: a scorer at work changes a lead and
    its events in one transaction, so that each is seen before or after it.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(queries.LEADS_BETWEEN, after, upto)
        return await _with_belongings(connection, rows)


async def one_lead(connection: Any, lead_id: UUID) -> StoredLead | None:
    """One lead, inside the caller's transaction: it has the lead locked, or one snapshot."""
    rows = await connection.fetch(queries.ONE_LEAD, lead_id)
    found = await _with_belongings(connection, rows)
    return found[0] if found else None


async def _with_belongings(connection: Any, rows: Sequence[Mapping[str, Any]]) -> list[StoredLead]:
    leads = {row["id"]: StoredLead(**row) for row in rows}
    ids = list(leads)
    for lead_id, body, entries in await connection.fetch(queries.EVENTS, ids):
        leads[lead_id].events.append((body, entries))
    for lead_id, at_ms, entries in await connection.fetch(queries.TIME_ENTRIES, ids):
        leads[lead_id].by_time.append((at_ms, entries))
    for lead_id, *move in await connection.fetch(queries.MOVES, ids):
        leads[lead_id].moves.append(Move(*move))
    carries = await load_carries(connection, ids)
    for lead_id, carried in carries.by_holder({}).items():
        if lead_id in leads:  # or it was merged into one of another chunk
            leads[lead_id].carried = carried
    return list(leads.values())

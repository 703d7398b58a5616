"""Every query of the read API, named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.explanation import StoredEvent, TimeGiven
from services.console.lead_view import Kept, LeadRow
from shared.identity import Identifier
from shared.lead_state import JourneyState, decode_journeys, decode_scores
from shared.tables import (
    account_member,
    audit_run,
    event,
    identifier,
    lead,
    lead_merge,
    stage_history,
    time_entry,
)

LEAD_COLUMNS = (
    lead.c.id,
    lead.c.created_ms,
    lead.c.known,
    lead.c.merged_into,
    lead.c.ruleset_version,
    lead.c.stage,
    lead.c.stage_since_ms,
    lead.c.scores,
    lead.c.journeys,
)

# Where something stands in a lead's history: its instant, and the key of its event.
Place = tuple[int, UUID]
# The key of what time brought, which comes before the events of the same ms.
OF_TIME = UUID(int=0)


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """Which leads: all that have each of the identifiers, and stand in the stage if one is given.

    after: the id of the last lead of the page before.
    """

    identifiers: tuple[tuple[int, str], ...] = ()
    stage: str | None = None
    after: UUID | None = None


@dataclass(frozen=True, slots=True)
class EarningPage:
    """What a part of a lead's history earned. oldest: the place of the oldest of it, None where
    nothing came before.
    """

    events: list[StoredEvent]
    by_time: list[TimeGiven]
    oldest: Place | None


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
    return [lead_row(row) for row in result]


async def one_lead(connection: AsyncConnection, lead_id: UUID) -> LeadRow | None:
    """A lead by its id, absorbed or not."""
    result = await connection.execute(sa.select(*LEAD_COLUMNS).where(lead.c.id == lead_id))
    row = result.one_or_none()
    return None if row is None else lead_row(row)


async def journeys_of(connection: AsyncConnection, lead_id: UUID) -> list[JourneyState]:
    """Where a lead stands on each of its journeys."""
    result = await connection.execute(sa.select(lead.c.journeys).where(lead.c.id == lead_id))
    return decode_journeys(result.scalar_one())


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


KEPT = sa.text("""
WITH RECURSIVE part (lead_id, id) AS (
    SELECT w, w FROM unnest(CAST(:ids AS uuid[])) AS w
    UNION
    SELECT part.lead_id, m.absorbed FROM part
    JOIN lead_merge m ON m.survivor = part.id AND m.undone_ms IS NULL)
SELECT part.lead_id,
       array(SELECT DISTINCT t.tag FROM lead_tag t JOIN part p ON p.id = t.lead_id
              WHERE p.lead_id = part.lead_id ORDER BY 1) AS tags,
       (SELECT o.owner FROM lead_owner o WHERE o.lead_id = part.lead_id) AS owner
  FROM part WHERE part.id = part.lead_id
""")


async def accounts_of(connection: AsyncConnection, lead_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The account by lead; those without one are missing."""
    result = await connection.execute(
        sa.select(account_member.c.lead_id, account_member.c.account).where(
            account_member.c.lead_id.in_(lead_ids)
        )
    )
    return {row.lead_id: row.account for row in result}


async def kept_of(connection: AsyncConnection, lead_ids: Sequence[UUID]) -> dict[UUID, Kept]:
    """Tags and owner by lead; those of leads that are part of it are its own, too."""
    result = await connection.execute(KEPT, {"ids": list(lead_ids)})
    return {row.lead_id: Kept(tuple(row.tags), row.owner) for row in result}


async def identifiers_in_force(connection: AsyncConnection, lead_id: UUID) -> list[Identifier]:
    """Those by which an event of now finds the lead: an anonymous id may have passed to another."""
    later = identifier.alias()
    passed_on = sa.exists().where(
        later.c.kind == identifier.c.kind,
        later.c.value == identifier.c.value,
        later.c.since_ms > identifier.c.since_ms,
    )
    result = await connection.execute(
        sa.select(identifier.c.kind, identifier.c.value)
        .where(identifier.c.lead_id == lead_id, ~passed_on)
        .order_by(identifier.c.kind, identifier.c.value)
    )
    return [(kind, value) for kind, value in result]


async def lead_named(connection: AsyncConnection, kind: int, value: str) -> UUID | None:
    """The lead that has an identifier now."""
    found: UUID | None = await connection.scalar(
        sa.select(identifier.c.lead_id)
        .where(identifier.c.kind == kind, identifier.c.value == value)
        .order_by(identifier.c.since_ms.desc())
        .limit(1)
    )
    return found


async def earning_page(
    connection: AsyncConnection, lead_id: UUID, until_ms: int, before: Place | None, limit: int
) -> EarningPage:
    """The newest events with entries, and instants at which time gave or took: `limit` of both
    together, none after `until_ms`, all before a place.
    """
    events = await newest_events(connection, lead_id, before, limit + 1, earned_until_ms=until_ms)
    times = await _newest_times(connection, lead_id, until_ms, before, limit + 1)
    places = sorted(
        [
            *((stored.occurred_ms, key) for key, stored in events),
            *((given.at_ms, OF_TIME) for given in times),
        ],
        reverse=True,
    )
    told = set(places[:limit])
    return EarningPage(
        events=[stored for key, stored in events if (stored.occurred_ms, key) in told],
        by_time=[given for given in times if (given.at_ms, OF_TIME) in told],
        oldest=places[limit - 1] if len(places) > limit else None,
    )


async def earned_from(
    connection: AsyncConnection, lead_id: UUID, until_ms: int, place: Place | None
) -> list[tuple[int, bytes]]:
    """What events and time gave a lead, and took, as (instant, entries): from a place on, or from
    the beginning, none after `until_ms`.
    """
    earned = sa.select(event.c.occurred_ms, event.c.entries).where(
        event.c.lead_id == lead_id, event.c.entries.is_not(None), event.c.occurred_ms <= until_ms
    )
    given = sa.select(time_entry.c.at_ms, time_entry.c.entries).where(
        time_entry.c.lead_id == lead_id, time_entry.c.at_ms <= until_ms
    )
    if place is not None:
        at_ms, key = place
        earned = earned.where(
            event.c.occurred_ms >= at_ms,
            sa.tuple_(event.c.occurred_ms, event.c.key) >= sa.tuple_(at_ms, key),
        )
        given = given.where(time_entry.c.at_ms >= at_ms + (key != OF_TIME))
    result = await connection.execute(sa.union_all(earned, given))
    return [(at_ms, entries) for at_ms, entries in result]


async def _newest_times(
    connection: AsyncConnection, lead_id: UUID, until_ms: int, before: Place | None, limit: int
) -> list[TimeGiven]:
    query = sa.select(time_entry.c.at_ms, time_entry.c.entries).where(
        time_entry.c.lead_id == lead_id, time_entry.c.at_ms <= until_ms
    )
    if before is not None:
        query = query.where(time_entry.c.at_ms < before[0] + (before[1] != OF_TIME))
    result = await connection.execute(query.order_by(time_entry.c.at_ms.desc()).limit(limit))
    return [TimeGiven(*row) for row in result]


async def newest_events(
    connection: AsyncConnection,
    lead_id: UUID,
    before: Place | None,
    limit: int,
    *,
    earned_until_ms: int | None = None,
) -> list[tuple[UUID, StoredEvent]]:
    """A page of a lead's events with their keys, newest first, all before a place.

    earned_until_ms: only events with entries, none after this instant.
    """
    query = sa.select(event.c.key, event.c.occurred_ms, event.c.body, event.c.entries).where(
        event.c.lead_id == lead_id
    )
    if earned_until_ms is not None:
        query = query.where(event.c.entries.is_not(None), event.c.occurred_ms <= earned_until_ms)
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


async def survivors_of(connection: AsyncConnection, lead_id: UUID) -> set[UUID]:
    """Every lead that this one is part of or ever was, directly or by way of others."""
    into = (
        sa.select(lead_merge.c.survivor)
        .where(lead_merge.c.absorbed == lead_id)
        .cte("into", recursive=True)
    )
    into = into.union(
        sa.select(lead_merge.c.survivor).where(lead_merge.c.absorbed == into.c.survivor)
    )
    return set(await connection.scalars(sa.select(into.c.survivor)))


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


def lead_row(row: sa.Row[*tuple[Any, ...]]) -> LeadRow:
    """A row of LEAD_COLUMNS, decoded."""
    values = row._asdict()
    decoded = {
        "scores": decode_scores(values["scores"]),
        "journeys": decode_journeys(values["journeys"]),
    }
    return LeadRow(**{**values, **decoded})

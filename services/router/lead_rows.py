"""Rows of leads at the moment of their hand-offs: so many queries, however many leads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from shared.identity import Identifier
from shared.merged_leads import survivors_of

EVENTS_MAX = 200  # newest events that a packet is made from
MERGED_MAX = 20  # absorbed leads that a packet names
MOVES_MAX = 50  # newest stage changes that are looked through for the last hand-off
OLDEST_MAX = 5  # first events of a long history, for how the person came

LEADS = """
SELECT id::text AS id, known, scores, journeys, ruleset_version, stage FROM lead
WHERE id = ANY ($1::uuid[])
"""
IDENTIFIERS = """
SELECT DISTINCT lead_id::text AS lead_id, kind, value FROM identifier
WHERE lead_id = ANY ($1::uuid[]) ORDER BY 1, 2, 3
"""
# Leads that are part of others, by way of which merges whatsoever, the newest merge first.
MERGED = """
WITH RECURSIVE part (lead_id, absorbed, id) AS (
    SELECT survivor, absorbed, id FROM lead_merge
    WHERE survivor = ANY ($1::uuid[]) AND undone_ms IS NULL
    UNION
    SELECT part.lead_id, m.absorbed, m.id
    FROM part JOIN lead_merge m ON m.survivor = part.absorbed AND m.undone_ms IS NULL)
SELECT lead_id::text AS lead_id, absorbed::text AS absorbed FROM part ORDER BY id DESC
"""
EVENTS = """
SELECT w.n, e.occurred_ms, e.body, e.entries
FROM unnest($1::int[], $2::uuid[], $3::bigint[]) AS w (n, lead_id, at_ms)
CROSS JOIN LATERAL (
    SELECT occurred_ms, body, entries FROM event
    WHERE lead_id = w.lead_id AND occurred_ms <= w.at_ms
    ORDER BY occurred_ms DESC LIMIT $4) AS e
ORDER BY w.n, e.occurred_ms DESC
"""
TIMES = """
SELECT w.n, t.at_ms, t.entries
FROM unnest($1::int[], $2::uuid[], $3::bigint[], $4::bigint[]) AS w (n, lead_id, from_ms, at_ms)
CROSS JOIN LATERAL (
    SELECT at_ms, entries FROM time_entry
    WHERE lead_id = w.lead_id AND at_ms BETWEEN w.from_ms AND w.at_ms
    ORDER BY at_ms DESC LIMIT $5) AS t
ORDER BY w.n, t.at_ms DESC
"""
OLDEST = """
SELECT w.lead_id::text AS lead_id, e.body
FROM unnest($1::uuid[]) AS w (lead_id)
CROSS JOIN LATERAL (
    SELECT occurred_ms, body FROM event WHERE lead_id = w.lead_id
    ORDER BY occurred_ms LIMIT $2) AS e
ORDER BY w.lead_id, e.occurred_ms
"""
# What was told of a change is in the outbox for some weeks; a released hand-off has its number.
MOVES = """
SELECT w.n, h.seq, h.at_ms, h.journey, h.from_stage, h.to_stage, h.cause, h.episode, o.facts
FROM unnest($1::int[], $2::uuid[], $3::bigint[]) AS w (n, lead_id, at_ms)
CROSS JOIN LATERAL (
    SELECT * FROM stage_history WHERE lead_id = w.lead_id AND at_ms <= w.at_ms
    ORDER BY seq DESC LIMIT $4) AS h
LEFT JOIN LATERAL (
    SELECT jsonb_agg(fact ORDER BY id) AS facts FROM outbox
    WHERE lead_id = w.lead_id AND fact -> 'seq' = to_jsonb(h.seq)
    AND fact ->> 'kind' IN ('stage_changed', 'band_reached', 'grade_reached', 'segment_entered',
                            'signal_seen', 'handoff_released')) AS o ON true
ORDER BY w.n, h.seq DESC
"""
ACCOUNTS = """
SELECT m.lead_id::text AS lead_id, a.key, a.members, a.scores, a.stage, a.stage_since_ms
FROM account_member m JOIN account a ON a.key = m.account WHERE m.lead_id = ANY ($1::uuid[])
"""


@dataclass(slots=True)
class LeadRows:
    """Rows by lead id, and by place in what was asked. whose: by lead asked for, the one that it is
    part of by now: all but `moves` is of that one.
    """

    whose: dict[str, str]
    leads: dict[str, asyncpg.Record]
    accounts: dict[str, asyncpg.Record]
    events: dict[int, list[asyncpg.Record]]
    times: dict[int, list[asyncpg.Record]]
    moves: dict[int, list[asyncpg.Record]]
    identifiers: dict[str, list[Identifier]] = field(default_factory=lambda: defaultdict(list))
    merged: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    oldest: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))


async def rows_of(connection: Any, asked: Sequence[tuple[str, int]]) -> LeadRows:
    """So many queries, however many leads are asked for."""
    told, instants = [lead_id for lead_id, _ in asked], [at_ms for _, at_ms in asked]
    whose = await survivors_of(connection, told)
    ids = [whose.get(lead_id, lead_id) for lead_id in told]
    numbers = list(range(len(asked)))
    events = await _grouped(connection, EVENTS, numbers, ids, instants, EVENTS_MAX + 1)
    since = [_since(events[number]) for number in numbers]
    rows = LeadRows(
        whose=whose,
        leads={row["id"]: row for row in await connection.fetch(LEADS, ids)},
        accounts={row["lead_id"]: row for row in await connection.fetch(ACCOUNTS, ids)},
        events=events,
        times=await _grouped(connection, TIMES, numbers, ids, since, instants, EVENTS_MAX),
        moves=await _grouped(connection, MOVES, numbers, told, instants, MOVES_MAX),
    )
    for row in await connection.fetch(IDENTIFIERS, ids):
        rows.identifiers[row["lead_id"]].append((row["kind"], row["value"]))
    for row in await connection.fetch(MERGED, ids):
        rows.merged[row["lead_id"]].append(row["absorbed"])
    long = list({ids[number]: None for number in numbers if len(events[number]) > EVENTS_MAX})
    if long:
        for row in await connection.fetch(OLDEST, long, OLDEST_MAX):
            rows.oldest[row["lead_id"]].append(row["body"])
    return rows


async def _grouped(
    connection: Any, query: str, *arguments: object
) -> dict[int, list[asyncpg.Record]]:
    """Rows by their n."""
    rows: dict[int, list[asyncpg.Record]] = defaultdict(list)
    for row in await connection.fetch(query, *arguments):
        rows[row["n"]].append(row)
    return rows


def _since(events: Sequence[asyncpg.Record]) -> int:
    """Time's entries count from where the events that are read begin: those before may have been
    taken back by an event that isn't read.
    """
    return events[EVENTS_MAX - 1]["occurred_ms"] if len(events) > EVENTS_MAX else 0

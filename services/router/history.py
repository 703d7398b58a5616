"""What is stored of leads at the moment of their hand-offs, read with a few set-based queries."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import msgspec

from services.router.metrics import EVENTS_UNREADABLE
from services.router.outbox import Pool
from services.router.packet import Company, Lead, Waited
from services.router.permission import FORBIDS, LIFTS
from services.router.reasons import Earned, Entries, Given
from services.router.since_last import Moved
from shared.bodies import open_body
from shared.consent import is_soft
from shared.envelope import Event, decode_event, milliseconds
from shared.errors import PoisonError
from shared.facts import Reason
from shared.identity import Identifier
from shared.lead_state import JourneyState, decode_journeys, decode_scores
from shared.ledger import decode_entries

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
    AND fact ->> 'kind' IN ('stage_changed', 'handoff_released')) AS o ON true
ORDER BY w.n, h.seq DESC
"""
ACCOUNTS = """
SELECT m.lead_id::text AS lead_id, a.key, a.members, a.scores, a.stage, a.stage_since_ms
FROM account_member m JOIN account a ON a.key = m.account WHERE m.lead_id = ANY ($1::uuid[])
"""
OLDER = """
SELECT occurred_ms, body FROM event WHERE lead_id = $1 AND occurred_ms <= $2
ORDER BY occurred_ms DESC OFFSET $3
"""
WAITED = """
SELECT h.lead_id::text AS lead_id, h.seq, h.from_stage, h.at_ms, h.cause, h.reasons
FROM unnest($1::uuid[], $2::int[]) AS w (lead_id, seq)
JOIN stage_history h ON h.lead_id = w.lead_id AND h.seq = w.seq
"""
RULES = "SELECT number, name FROM rule_number"

_MARKS = {*FORBIDS, *LIFTS}


class _Bounce(msgspec.Struct, frozen=True):
    bounce_type: Any = None


class _Kind(msgspec.Struct):
    type: str
    properties: _Bounce = _Bounce()


_kind_decoder = msgspec.json.Decoder(_Kind)


class _Told(msgspec.Struct):
    """What the router was told of a change."""

    kind: str
    handoff: str | None = None
    waiting: bool = False
    withheld: bool = False
    suppressed: str = ""
    scores: dict[str, float] = {}


_told_decoder = msgspec.json.Decoder(list[_Told])
_account_decoder = msgspec.json.Decoder(dict[str, float])
_reasons_decoder = msgspec.json.Decoder(tuple[Reason, ...])


class History:
    """Reads leads; remembers the names of rules."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rules: dict[int, str] = {}

    async def read(self, asked: Sequence[tuple[str, int]]) -> list[Lead | PoisonError]:
        """For each (lead id, instant in ms): the lead with its events up to then, or why not.

        Ask for at most some 50 at a time: each may bring 200 events.
        """
        async with self._pool.acquire() as connection:
            return await self._read(connection, asked)

    async def _read(
        self, connection: Any, asked: Sequence[tuple[str, int]]
    ) -> list[Lead | PoisonError]:
        rows = await _rows_of(connection, asked)
        found: list[Lead | PoisonError] = []
        for number, (lead_id, at_ms) in enumerate(asked):
            if lead_id not in rows.leads:
                found.append(PoisonError("lead_missing", "the lead is not stored"))
                continue
            try:
                found.append(await self._lead(connection, rows, number, lead_id, at_ms))
            except msgspec.MsgspecError as error:
                found.append(PoisonError("unreadable_lead", str(error)))
        return found

    async def waited(self, asked: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Waited]:
        """By (lead id, sequence number): the stage changes that hand-offs waited from. One that
        can't be read is left out: the packet then tells what the fact says.
        """
        rows = await self._pool.fetch(
            WAITED, [lead_id for lead_id, _ in asked], [seq for _, seq in asked]
        )
        found: dict[tuple[str, int], Waited] = {}
        for row in rows:
            with contextlib.suppress(msgspec.MsgspecError):
                reasons = _reasons_decoder.decode(row["reasons"])
                found[row["lead_id"], row["seq"]] = Waited(
                    row["from_stage"], row["at_ms"], row["cause"], reasons
                )
        return found

    async def _lead(
        self, connection: Any, rows: _Rows, number: int, lead_id: str, at_ms: int
    ) -> Lead:
        row, newest = rows.leads[lead_id], rows.events[number]
        events = await self._events(connection, newest)
        marks = _marks(events)
        if len(newest) > EVENTS_MAX:
            await _add_older_marks(connection, lead_id, at_ms, marks)
        return Lead(
            known=row["known"],
            state=decode_scores(row["scores"]),
            ruleset_version=row["ruleset_version"],
            identifiers=tuple(rows.identifiers[lead_id]),
            merged_from=tuple(dict.fromkeys(rows.merged[lead_id]))[:MERGED_MAX],
            events=tuple(events),
            by_time=tuple(
                [
                    Given(each["at_ms"], await self._named(connection, each))
                    for each in rows.times[number]
                ]
            ),
            marks=marks,
            stage=row["stage"],
            oldest=tuple(
                event for body in rows.oldest[lead_id] if (event := _event(body)) is not None
            ),
            moves=tuple(_moved(each) for each in rows.moves[number]),
            journeys=_journeys(row["journeys"]),
            company=_company(rows.accounts.get(lead_id)),
        )

    async def _events(self, connection: Any, rows: Sequence[asyncpg.Record]) -> list[Earned]:
        events: list[Earned] = []
        for row in rows[:EVENTS_MAX]:
            event = _event(row["body"])
            if event is None:
                continue
            events.append(Earned(event, await self._named(connection, row)))
        return events

    async def _named(self, connection: Any, row: asyncpg.Record) -> Entries:
        entries = decode_entries(row["entries"])
        if any(entry.rule not in self._rules for entry in entries):
            self._rules.update(await connection.fetch(RULES))
        return tuple(
            (self._rules.get(entry.rule, f"rule {entry.rule}"), entry.points) for entry in entries
        )


@dataclass(slots=True)
class _Rows:
    """Rows by lead id, and by place in what was asked."""

    leads: dict[str, asyncpg.Record]
    accounts: dict[str, asyncpg.Record]
    events: dict[int, list[asyncpg.Record]]
    times: dict[int, list[asyncpg.Record]]
    moves: dict[int, list[asyncpg.Record]]
    identifiers: dict[str, list[Identifier]] = field(default_factory=lambda: defaultdict(list))
    merged: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    oldest: dict[str, list[bytes]] = field(default_factory=lambda: defaultdict(list))


async def _rows_of(connection: Any, asked: Sequence[tuple[str, int]]) -> _Rows:
    """So many queries, however many leads are asked for."""
    ids, instants = [lead_id for lead_id, _ in asked], [at_ms for _, at_ms in asked]
    numbers = list(range(len(asked)))
    events = await _grouped(connection, EVENTS, numbers, ids, instants, EVENTS_MAX + 1)
    since = [_since(events[number]) for number in numbers]
    rows = _Rows(
        leads={row["id"]: row for row in await connection.fetch(LEADS, ids)},
        accounts={row["lead_id"]: row for row in await connection.fetch(ACCOUNTS, ids)},
        events=events,
        times=await _grouped(connection, TIMES, numbers, ids, since, instants, EVENTS_MAX),
        moves=await _grouped(connection, MOVES, numbers, ids, instants, MOVES_MAX),
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


def _moved(row: asyncpg.Record) -> Moved:
    """Of a change whose facts are gone, or can't be read, it isn't known who got the lead."""
    handed: str | None = None
    scores: dict[str, float] = {}
    with contextlib.suppress(msgspec.MsgspecError):
        for told in _told_decoder.decode(row["facts"]) if row["facts"] else ():
            went = told.kind == "handoff_released" or not (
                told.waiting or told.withheld or told.suppressed
            )
            handed = (told.handoff or "") if went else (handed or "")
            scores = told.scores or scores
    return Moved(
        seq=row["seq"],
        at_ms=row["at_ms"],
        journey=row["journey"],
        from_stage=row["from_stage"],
        to_stage=row["to_stage"],
        cause=row["cause"],
        episode=row["episode"],
        handed=handed,
        scores=scores,
    )


def _journeys(value: bytes) -> tuple[JourneyState, ...]:
    """None where they can't be read: nothing but the next step needs them."""
    try:
        return tuple(decode_journeys(value))
    except msgspec.MsgspecError:
        return ()


def _company(row: asyncpg.Record | None) -> Company | None:
    if row is None:
        return None
    try:
        scores = _account_decoder.decode(row["scores"])
    except msgspec.MsgspecError:
        scores = {}
    return Company(row["key"], row["members"], scores, row["stage"], row["stage_since_ms"])


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


def _event(body: bytes) -> Event | None:
    """None, and counted, when it can't be read: a packet without one action is better than none."""
    try:
        return decode_event(open_body(body))
    except (msgspec.MsgspecError, ValueError):
        EVENTS_UNREADABLE.inc()
        return None


def _marks(events: Sequence[Earned]) -> dict[str, int]:
    """When each event type that matters for suppression last happened."""
    marks: dict[str, int] = {}
    for earned in events:
        bounce_type = earned.event.properties.get("bounce_type")
        if earned.event.type in _MARKS and not is_soft(bounce_type):
            marks.setdefault(earned.event.type, milliseconds(earned.event.occurred_at))
    return marks


async def _add_older_marks(
    connection: Any, lead_id: str, at_ms: int, marks: dict[str, int]
) -> None:
    """Look through the rest of a long history too: who unsubscribed stays unsubscribed."""
    async with connection.transaction(readonly=True):
        async for row in connection.cursor(OLDER, lead_id, at_ms, EVENTS_MAX, prefetch=500):
            try:
                found = _kind_decoder.decode(open_body(row["body"]))
            except (msgspec.MsgspecError, ValueError):
                EVENTS_UNREADABLE.inc()
                continue
            if found.type in _MARKS and not is_soft(found.properties.bounce_type):
                marks.setdefault(found.type, row["occurred_ms"])

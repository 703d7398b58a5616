"""What is stored of leads at the moment of their hand-offs, read with a few set-based queries."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec

from services.router.lead_rows import EVENTS_MAX, MERGED_MAX, LeadRows, rows_of
from services.router.metrics import EVENTS_UNREADABLE
from services.router.outbox import Pool
from services.router.packet import Company, Lead, Waited
from services.router.permission import FORBIDS, LIFTS
from services.router.reasons import Earned, Entries, Given
from services.router.since_last import Moved
from services.router.stored_events import readable_event
from shared.bodies import open_body
from shared.consent import is_soft
from shared.envelope import milliseconds
from shared.errors import PoisonError
from shared.facts import Reason
from shared.lead_state import JourneyState, decode_journeys, decode_scores
from shared.ledger import decode_entries

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
        """For each (lead id, instant in ms): the lead with its events up to then, or why not. For
        one that was merged since, the lead that it is part of: it has been emptied.

        Ask for at most some 50 at a time: each may bring 200 events.
        """
        async with self._pool.acquire() as connection:
            return await self._read(connection, asked)

    async def _read(
        self, connection: Any, asked: Sequence[tuple[str, int]]
    ) -> list[Lead | PoisonError]:
        rows = await rows_of(connection, asked)
        found: list[Lead | PoisonError] = []
        for number, (lead_id, at_ms) in enumerate(asked):
            person = rows.whose.get(lead_id)
            if person not in rows.leads:
                found.append(PoisonError("lead_missing", "the lead is not stored"))
                continue
            try:
                found.append(await self._lead(connection, rows, number, person, at_ms))
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
        self, connection: Any, rows: LeadRows, number: int, lead_id: str, at_ms: int
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
                event
                for body in rows.oldest[lead_id]
                if (event := readable_event(body)) is not None
            ),
            moves=tuple(_moved(each) for each in rows.moves[number]),
            journeys=_journeys(row["journeys"]),
            company=_company(rows.accounts.get(lead_id)),
        )

    async def _events(self, connection: Any, rows: Sequence[asyncpg.Record]) -> list[Earned]:
        events: list[Earned] = []
        for row in rows[:EVENTS_MAX]:
            event = readable_event(row["body"])
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

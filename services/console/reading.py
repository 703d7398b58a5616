"""Answers read from Postgres: each from one snapshot, so that its parts belong together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console import answers, queries
from services.console.cursors import read_cursor, uuid_of, write_cursor
from services.console.explained_page import explain_page, read_page, state_knows
from services.console.explanation import models_that_differ
from services.console.lead_view import Kept, LeadRow, scores_at, show_lead, shown_at
from services.console.metrics import EXPLANATIONS_DIFFERENT
from services.console.next_view import show_next, whose
from services.console.refusals import RefusedError
from services.console.ruleset_cache import RulesetCache
from services.console.stage_moves import show_moves
from services.console.timeline import show_timeline
from services.console.trait_answers import TraitHistory
from services.console.trait_history import show_traits
from services.scorer.core.next_steps import NextSteps, next_steps
from shared.envelope import milliseconds, rfc3339
from shared.ruleset.handoff_journeys import is_row_journey
from shared.ruleset.stages import MAIN

# Sequence numbers are four-byte integers in Postgres.
MAX_SEQ = 2**31 - 1


class LeadReader:
    """What the routes ask. `now_ms` is the clock: milliseconds since 1970 UTC."""

    def __init__(self, engine: AsyncEngine, now_ms: Callable[[], int]) -> None:
        self._engine = engine
        self._now_ms = now_ms
        self._rulesets = RulesetCache()

    async def leads(
        self,
        identifiers: Sequence[tuple[int, str]],
        stage: str | None,
        limit: int,
        cursor: str | None,
    ) -> answers.LeadPage:
        after = None if cursor is None else uuid_of(read_cursor(cursor, str)[0])
        which = queries.LeadFilter(tuple(identifiers), stage, after)
        async with self._snapshot() as connection:
            rows = await queries.leads(connection, which, limit + 1)
            page, more = rows[:limit], len(rows) > limit
            items = await self._shown(connection, page)
        next_cursor = write_cursor(str(page[-1].id)) if more else None
        return answers.LeadPage(items=items, next_cursor=next_cursor)

    async def lead(self, lead_id: UUID) -> answers.Lead:
        async with self._snapshot() as connection:
            return (await self._shown(connection, [await existing_lead(connection, lead_id)]))[0]

    async def explanation(
        self, lead_id: UUID, at_ms: int | None, newest: int, cursor: str | None
    ) -> answers.Explanation:
        """Scores as of an instant, with so many of the newest things that gave points, or took;
        with a cursor, as of the instant of the page before, what came before that page.

        at_ms: None for now.
        """
        before = None
        if cursor is not None:
            cursor_ms, place_ms, key = read_cursor(cursor, int, int, str)
            at_ms, before = int(cursor_ms), (int(place_ms), uuid_of(key))
        async with self._snapshot() as connection:
            row = await existing_lead(connection, lead_id)
            ruleset = await self._rulesets.version(connection, row.ruleset_version)
            instant = shown_at(row.scores, self._now_ms()) if at_ms is None else at_ms
            read = await read_page(connection, lead_id, row.scores, instant, before, newest)
        # Thousands of entries take tens of milliseconds: other requests go on meanwhile.
        explained = await asyncio.to_thread(explain_page, ruleset, read)
        oldest = read.page.oldest
        if oldest is None and state_knows(row.scores, instant):
            stored = scores_at(ruleset, row.scores, instant)
            if models_that_differ(explained, stored):
                EXPLANATIONS_DIFFERENT.inc()
        return answers.Explanation(
            lead_id=lead_id,
            at=rfc3339(instant),
            ruleset_version=ruleset.version,
            merged_into=row.merged_into,
            models=explained,
            next_cursor=write_cursor(instant, oldest[0], str(oldest[1])) if oldest else None,
        )

    async def next_steps(self, lead_id: UUID, journey: str) -> answers.NextSteps:
        """What would bring a lead higher on a journey, and where it goes if nothing happens."""
        async with self._snapshot() as connection:
            row = await existing_lead(connection, lead_id)
            ruleset = await self._rulesets.version(connection, row.ruleset_version)
            journeys = await queries.journeys_of(connection, lead_id)
            identifiers = await queries.identifiers_of(connection, [lead_id])
        journeys_there = [name for name in ruleset.core.ladders if not is_row_journey(name)]
        if journey not in journeys_there:
            there = ", ".join(journeys_there)
            message = f"there is no such journey; there are: {there}"
            raise RefusedError(400, "invalid_parameter", message, "query.journey")
        if row.merged_into is not None:
            return show_next(row, ruleset, NextSteps(journey, self._now_ms()))  # no event is its
        # Every rule is tried, which takes tens of milliseconds: other requests go on meanwhile.
        core, who = ruleset.core, whose(identifiers[lead_id])
        found = await asyncio.to_thread(
            next_steps, core, row.scores, journeys, self._now_ms(), row.known, who, journey
        )
        return show_next(row, ruleset, found)

    async def timeline(
        self, lead_id: UUID, limit: int, cursor: str | None
    ) -> tuple[answers.Timeline, UUID | None]:
        """A page of the timeline, and the lead that this one was merged into."""
        before = _event_place(cursor)
        async with self._snapshot() as connection:
            row = await existing_lead(connection, lead_id)
            ruleset = await self._rulesets.version(connection, row.ruleset_version)
            found = await queries.newest_events(connection, lead_id, before, limit + 1)
        page, more = found[:limit], len(found) > limit
        items = await asyncio.to_thread(show_timeline, ruleset, [stored for _, stored in page])
        next_cursor = write_cursor(page[-1][1].occurred_ms, str(page[-1][0])) if more else None
        return answers.Timeline(items=items, next_cursor=next_cursor), row.merged_into

    async def traits(self, lead_id: UUID, events: int, cursor: str | None) -> TraitHistory:
        """What so many of the newest events said of traits; of those before, with a cursor."""
        before = _event_place(cursor)
        async with self._snapshot() as connection:
            row = await existing_lead(connection, lead_id)
            found = await queries.newest_events(connection, lead_id, before, events + 1)
        page, more = found[:events], len(found) > events
        items = await asyncio.to_thread(
            show_traits, row.scores.traits, [stored for _, stored in page]
        )
        return TraitHistory(
            items=items,
            events=len(page),
            merged_into=row.merged_into,
            next_cursor=write_cursor(page[-1][1].occurred_ms, str(page[-1][0])) if more else None,
        )

    async def stages(
        self, lead_id: UUID, limit: int, cursor: str | None
    ) -> tuple[answers.StageHistory, UUID | None]:
        """A page of the stage history, and the lead that this one was merged into."""
        before = None if cursor is None else min(int(read_cursor(cursor, int)[0]), MAX_SEQ)
        async with self._snapshot() as connection:
            row = await existing_lead(connection, lead_id)
            moves = await queries.stage_moves(connection, lead_id, before, limit + 1)
            met = any(move.other_lead is not None for move in moves)
            survivors = await queries.survivors_of(connection, lead_id) if met else set()
        items = show_moves(moves[:limit], survivors)
        next_cursor = write_cursor(items[-1].seq) if len(moves) > limit else None
        return answers.StageHistory(items=items, next_cursor=next_cursor), row.merged_into

    async def stage_counts(self) -> answers.StageCounts:
        """Leads per stage of the journey main: the ladder, the stages beside it, and last those
        that the live ruleset doesn't have any more.
        """
        async with self._snapshot() as connection:
            ruleset = await self._rulesets.live(connection)
            counts = await queries.leads_by_stage(connection)
        known = ruleset.journeys[MAIN] if ruleset is not None else {}
        stages = dict.fromkeys([*known, *sorted(counts)])
        items = [
            answers.StageCount(
                stage=stage,
                labels=known.get(stage, []),
                leads=counts.get(stage, 0),
                in_ladder=stage in known,
            )
            for stage in stages
        ]
        return answers.StageCounts(items=items, total=sum(counts.values()))

    async def audit(self) -> answers.Audit:
        """What the last audit found, and how far an unfinished one is."""
        async with self._snapshot() as connection:
            finished, newest = await queries.newest_audits(connection)
        unfinished = newest if newest is not None and newest.ended_at is None else None
        return answers.Audit(
            last=None if finished is None else _audit_run(finished),
            unfinished=None if unfinished is None else _audit_run(unfinished),
        )

    async def _shown(
        self, connection: AsyncConnection, rows: Sequence[LeadRow]
    ) -> list[answers.Lead]:
        identifiers = await queries.identifiers_of(connection, [row.id for row in rows])
        accounts = await queries.accounts_of(connection, [row.id for row in rows])
        kept = await queries.kept_of(connection, [row.id for row in rows])
        now_ms = self._now_ms()
        return [
            show_lead(
                row,
                await self._rulesets.version(connection, row.ruleset_version),
                identifiers[row.id],
                now_ms,
                accounts.get(row.id),
                kept.get(row.id, Kept()),
            )
            for row in rows
        ]

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A read-only transaction in which every statement sees the same state."""
        async with self._engine.connect() as connection:
            await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            yield connection


async def existing_lead(connection: AsyncConnection, lead_id: UUID) -> LeadRow:
    """A lead, absorbed or not. Raises RefusedError (404)."""
    row = await queries.one_lead(connection, lead_id)
    if row is None:
        raise RefusedError(404, "lead_not_found", "there is no lead with this id", "path.lead_id")
    return row


def _event_place(cursor: str | None) -> queries.Place | None:
    if cursor is None:
        return None
    at_ms, key = read_cursor(cursor, int, str)
    return int(at_ms), uuid_of(key)


def _audit_run(row: Any) -> answers.AuditRun:
    return answers.AuditRun(
        started_at=rfc3339(milliseconds(row.started_at)),
        seen_at=rfc3339(milliseconds(row.seen_at)),
        ended_at=None if row.ended_at is None else rfc3339(milliseconds(row.ended_at)),
        ruleset_version=row.ruleset_version,
        leads=row.leads,
        checked=row.checked,
        differing=row.differing,
        repaired=row.repaired,
    )

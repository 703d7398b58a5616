"""Answers read from Postgres: each from one snapshot, so that its parts belong together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console import answers, queries
from services.console.cursors import read_cursor, write_cursor
from services.console.explanation import explain, models_that_differ
from services.console.lead_view import LeadRow, scores_at, show_lead, shown_at
from services.console.metrics import EXPLANATIONS_DIFFERENT
from services.console.refusals import RefusedError
from services.console.ruleset_cache import RulesetCache
from services.console.timeline import show_timeline
from shared.envelope import milliseconds, rfc3339

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
        after = None if cursor is None else _uuid(read_cursor(cursor, str)[0])
        which = queries.LeadFilter(tuple(identifiers), stage, after)
        async with self._snapshot() as connection:
            rows = await queries.leads(connection, which, limit + 1)
            page, more = rows[:limit], len(rows) > limit
            items = await self._shown(connection, page)
        next_cursor = write_cursor(str(page[-1].id)) if more else None
        return answers.LeadPage(items=items, next_cursor=next_cursor)

    async def lead(self, lead_id: UUID) -> answers.Lead:
        async with self._snapshot() as connection:
            return (await self._shown(connection, [await _existing(connection, lead_id)]))[0]

    async def explanation(self, lead_id: UUID, at_ms: int | None) -> answers.Explanation:
        """Scores as of `at_ms`, or now, with every entry they consist of."""
        async with self._snapshot() as connection:
            row = await _existing(connection, lead_id)
            ruleset = await self._rulesets.version(connection, row.ruleset_version)
            events = await queries.earning_events(connection, lead_id)
            by_time = await queries.entries_by_time(connection, lead_id)
        newest_ms = shown_at(row.scores, 0)
        instant = shown_at(row.scores, self._now_ms()) if at_ms is None else at_ms
        # Thousands of entries take tens of milliseconds: other requests go on meanwhile.
        explained = await asyncio.to_thread(explain, ruleset, events, instant, by_time)
        if instant >= newest_ms:
            stored = scores_at(ruleset, row.scores, instant)
            if models_that_differ(explained, stored):
                EXPLANATIONS_DIFFERENT.inc()
        return answers.Explanation(
            lead_id=lead_id,
            at=rfc3339(instant),
            ruleset_version=ruleset.version,
            merged_into=row.merged_into,
            models=explained,
        )

    async def timeline(
        self, lead_id: UUID, limit: int, cursor: str | None
    ) -> tuple[answers.Timeline, UUID | None]:
        """A page of the timeline, and the lead that this one was merged into."""
        before = None
        if cursor is not None:
            at_ms, key = read_cursor(cursor, int, str)
            before = (int(at_ms), _uuid(key))
        async with self._snapshot() as connection:
            row = await _existing(connection, lead_id)
            ruleset = await self._rulesets.version(connection, row.ruleset_version)
            found = await queries.newest_events(connection, lead_id, before, limit + 1)
        page, more = found[:limit], len(found) > limit
        items = await asyncio.to_thread(show_timeline, ruleset, [stored for _, stored in page])
        next_cursor = write_cursor(page[-1][1].occurred_ms, str(page[-1][0])) if more else None
        return answers.Timeline(items=items, next_cursor=next_cursor), row.merged_into

    async def stages(
        self, lead_id: UUID, limit: int, cursor: str | None
    ) -> tuple[answers.StageHistory, UUID | None]:
        """A page of the stage history, and the lead that this one was merged into."""
        before = None if cursor is None else min(int(read_cursor(cursor, int)[0]), MAX_SEQ)
        async with self._snapshot() as connection:
            row = await _existing(connection, lead_id)
            moves = await queries.stage_moves(connection, lead_id, before, limit + 1)
        items = [
            answers.StageMove(
                seq=move.seq,
                at=rfc3339(move.at_ms),
                journey=move.journey,
                from_stage=move.from_stage,
                to_stage=move.to_stage,
                cause=move.cause,
                episode=move.episode,
                ruleset_version=move.ruleset_version,
                reasons=move.reasons,
            )
            for move in moves[:limit]
        ]
        next_cursor = write_cursor(items[-1].seq) if len(moves) > limit else None
        return answers.StageHistory(items=items, next_cursor=next_cursor), row.merged_into

    async def stage_counts(self) -> answers.StageCounts:
        """Leads per stage in ladder order; stages no longer in the ladder come last."""
        async with self._snapshot() as connection:
            ruleset = await self._rulesets.live(connection)
            counts = await queries.leads_by_stage(connection)
        ladder = ruleset.ladder if ruleset is not None else {}
        stages = dict.fromkeys([*ladder, *sorted(counts)])
        items = [
            answers.StageCount(
                stage=stage,
                labels=ladder.get(stage, []),
                leads=counts.get(stage, 0),
                in_ladder=stage in ladder,
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
        now_ms = self._now_ms()
        return [
            show_lead(
                row,
                await self._rulesets.version(connection, row.ruleset_version),
                identifiers[row.id],
                now_ms,
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


async def _existing(connection: AsyncConnection, lead_id: UUID) -> LeadRow:
    row = await queries.one_lead(connection, lead_id)
    if row is None:
        raise RefusedError(404, "lead_not_found", "there is no lead with this id", "path.lead_id")
    return row


def _uuid(text: int | str) -> UUID:
    try:
        return UUID(str(text))
    except ValueError:
        raise RefusedError(
            400, "invalid_cursor", "the cursor is not one that this API gave", "query.cursor"
        ) from None


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

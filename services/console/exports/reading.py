"""Exports out of Postgres: streamed from one snapshot, so that all of it belongs together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console import queries
from services.console.exports.rows import (
    EVENT_COLUMNS,
    LEDGER_COLUMNS,
    TRAIT_COLUMNS,
    Exported,
    What,
    carried_rows,
    earned_rows,
    event_row,
    lead_columns,
    lead_row,
)
from services.console.lead_view import LeadRow, show_lead
from services.console.ruleset_cache import RulesetCache
from shared.lead_state import decode_scores
from shared.tables import carry, event, lead, rule_number, time_entry

CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows: since_ms (with it) to until_ms (without it), of when a lead was made, or when
    something happened · stage: of the lead, now; None for all.
    """

    since_ms: int | None = None
    until_ms: int | None = None
    stage: str | None = None

    def times(self, column: sa.Column[Any]) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        if self.since_ms is not None:
            found.append(column >= self.since_ms)
        if self.until_ms is not None:
            found.append(column < self.until_ms)
        return found

    def leads(self, column: sa.Column[Any]) -> list[sa.ColumnElement[bool]]:
        """That what belongs to a lead in `column` is wanted."""
        if self.stage is None:
            return []
        return [column.in_(sa.select(lead.c.id).where(lead.c.stage == self.stage))]


class Export:
    """What is exported, in one snapshot; made by `exporting`."""

    def __init__(
        self, connection: AsyncConnection, which: Filter, now_ms: int, traits: tuple[str, ...]
    ) -> None:
        self._connection = connection
        self._which = which
        self._now_ms = now_ms
        self._rulesets = RulesetCache()
        self._traits = traits

    async def columns(self, what: What) -> tuple[str, ...]:
        """The names of a flat table of it."""
        if what == "events":
            return EVENT_COLUMNS
        if what == "ledger":
            return LEDGER_COLUMNS
        return lead_columns(await self._models(), self._traits)

    async def rows(self, what: What) -> AsyncIterator[list[Exported]]:
        """All of it, some rows at a time; bounded in memory."""
        stream = {"leads": self._leads, "events": self._events, "ledger": self._ledger}[what]
        async for some in stream():
            if some:
                yield some

    async def _models(self) -> list[str]:
        ruleset = await self._rulesets.live(self._connection)
        return [] if ruleset is None else list(ruleset.models)

    async def _leads(self) -> AsyncIterator[list[Exported]]:
        models, after = await self._models(), UUID(int=0)
        while rows := await self._next_leads(after):
            after = rows[-1].id
            ids = [row.id for row in rows]
            identifiers = await queries.identifiers_of(self._connection, ids)
            accounts = await queries.accounts_of(self._connection, ids)
            found = []
            for row in rows:
                ruleset = await self._rulesets.version(self._connection, row.ruleset_version)
                shown = show_lead(
                    row, ruleset, identifiers[row.id], self._now_ms, accounts.get(row.id)
                )
                found.append(lead_row(shown, models, self._traits))
            yield found

    async def _next_leads(self, after: UUID) -> list[LeadRow]:
        query = (
            sa.select(*queries.LEAD_COLUMNS)
            .where(lead.c.id > after, *lead_conditions(self._which))
            .order_by(lead.c.id)
            .limit(CHUNK)
        )
        return [queries.lead_row(row) for row in await self._connection.execute(query)]

    async def _events(self) -> AsyncIterator[list[Exported]]:
        query = sa.select(event.c.lead_id, event.c.body).where(
            *self._which.times(event.c.occurred_ms), *self._which.leads(event.c.lead_id)
        )
        async for rows in self._streamed(query.order_by(event.c.lead_id, event.c.occurred_ms)):
            yield [event_row(row.lead_id, row.body) for row in rows]

    async def _ledger(self) -> AsyncIterator[list[Exported]]:
        named = await self._connection.execute(sa.select(rule_number.c.number, rule_number.c.name))
        rules: dict[int, str] = {row.number: row.name for row in named}
        which = self._which
        carried = sa.select(carry.c.lead_id, carry.c.until_ms, carry.c.points).where(
            *which.times(carry.c.until_ms), *which.leads(carry.c.lead_id)
        )
        async for rows in self._streamed(carried.order_by(carry.c.lead_id)):
            yield [one for row in rows for one in carried_rows(*row)]
        earned = sa.select(
            event.c.lead_id, event.c.occurred_ms, event.c.entries, event.c.body
        ).where(
            event.c.entries.is_not(None), *which.times(event.c.occurred_ms),
            *which.leads(event.c.lead_id),
        )  # fmt: skip
        async for rows in self._streamed(earned.order_by(event.c.lead_id, event.c.occurred_ms)):
            yield [
                one
                for lead_id, at_ms, entries, body in rows
                for one in earned_rows(lead_id, at_ms, entries, rules, body)
            ]
        given = sa.select(time_entry.c.lead_id, time_entry.c.at_ms, time_entry.c.entries).where(
            *which.times(time_entry.c.at_ms), *which.leads(time_entry.c.lead_id)
        )
        async for rows in self._streamed(given.order_by(time_entry.c.lead_id, time_entry.c.at_ms)):
            yield [
                one
                for lead_id, at_ms, entries in rows
                for one in earned_rows(lead_id, at_ms, entries, rules, None)
            ]

    async def _streamed(self, query: sa.Select[Any]) -> AsyncIterator[list[Any]]:
        """By a cursor of the server's, some rows at a time."""
        result = await self._connection.stream(query.execution_options(yield_per=CHUNK))
        async for rows in result.partitions(CHUNK):
            yield list(rows)


def lead_conditions(which: Filter) -> list[sa.ColumnElement[bool]]:
    """Leads that live on, of a stage, made in a time."""
    found = [lead.c.merged_into.is_(None), *which.times(lead.c.created_ms)]
    return found if which.stage is None else [*found, lead.c.stage == which.stage]


@asynccontextmanager
async def exporting(
    engine: AsyncEngine, what: What, which: Filter, now_ms: int
) -> AsyncIterator[Export]:
    """An export in a read-only snapshot. Leads are looked through before for the names of their
    traits, which are columns of a table.
    """
    async with engine.connect() as connection:
        await connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        traits = await _trait_names(connection, which) if what == "leads" else ()
        yield Export(connection, which, now_ms, traits)


async def _trait_names(connection: AsyncConnection, which: Filter) -> tuple[str, ...]:
    names: dict[str, None] = {}
    query = sa.select(lead.c.scores).where(*lead_conditions(which)).order_by(lead.c.id)
    result = await connection.stream(query.execution_options(yield_per=CHUNK))
    async for (scores,) in result:
        names.update(dict.fromkeys(decode_scores(scores).traits))
    return tuple(sorted(names)[:TRAIT_COLUMNS])

"""How many leads each persona and each segment has: a report over all leads, kept for a minute."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console import answers
from services.console.lead_view import shown_at
from services.console.ruleset_cache import RulesetCache
from services.scorer.core.compiled import Ruleset
from services.scorer.core.standing import persona_at, segments_at
from shared.envelope import rfc3339
from shared.lead_state import decode_scores
from shared.tables import lead

KEPT_MS = 60_000
LEADS_AT_ONCE = 1000


@dataclass(slots=True)
class _Tally:
    leads: int = 0
    personas: Counter[str] = field(default_factory=Counter)
    segments: Counter[str] = field(default_factory=Counter)


class SegmentCounter:
    """Goes through all leads when it is asked and its last count is old; one count at a time."""

    def __init__(self, engine: AsyncEngine, now_ms: Callable[[], int]) -> None:
        self._engine = engine
        self._now_ms = now_ms
        self._rulesets = RulesetCache()
        self._counting = asyncio.Lock()
        self._kept: tuple[int, answers.SegmentCounts] | None = None

    async def counts(self) -> answers.SegmentCounts:
        """Of the live ruleset's personas and segments, zeros included. A lead that still stands
        under an older version counts by the names of that one.
        """
        async with self._counting:
            now_ms = self._now_ms()
            if self._kept is None or not 0 <= now_ms - self._kept[0] < KEPT_MS:
                self._kept = now_ms, await self._count(now_ms)
            return self._kept[1]

    async def _count(self, now_ms: int) -> answers.SegmentCounts:
        tally, after = _Tally(), UUID(int=0)
        while True:
            async with self._engine.connect() as connection:
                rows = (
                    await connection.execute(
                        sa.select(lead.c.id, lead.c.scores, lead.c.ruleset_version)
                        .where(lead.c.id > after, lead.c.merged_into.is_(None))
                        .order_by(lead.c.id)
                        .limit(LEADS_AT_ONCE)
                    )
                ).all()
                rulesets = {
                    version: (await self._rulesets.version(connection, version)).core
                    for version in {row.ruleset_version for row in rows}
                }
            # Other requests go on meanwhile.
            await asyncio.to_thread(_add, tally, rows, rulesets, now_ms)
            if len(rows) < LEADS_AT_ONCE:
                break
            after = rows[-1].id
        async with self._engine.connect() as connection:
            live = await self._rulesets.live(connection)
        names = ((), ()) if live is None else (live.core.personas, live.core.segments)
        return answers.SegmentCounts(
            at=rfc3339(now_ms),
            total=tally.leads,
            personas=_items([name for name, _ in names[0]], tally.personas),
            segments=_items([name for name, _ in names[1]], tally.segments),
        )


def _add(tally: _Tally, rows: Sequence[Any], rulesets: dict[int, Ruleset], now_ms: int) -> None:
    for row in rows:
        ruleset, state = rulesets[row.ruleset_version], decode_scores(row.scores)
        at_ms = shown_at(state, now_ms)
        tally.leads += 1
        persona = persona_at(ruleset, state, at_ms)
        if persona is not None:
            tally.personas[persona] += 1
        tally.segments.update(segments_at(ruleset, state, at_ms))


def _items(known: list[str], counted: Counter[str]) -> list[answers.NamedCount]:
    names = dict.fromkeys([*known, *sorted(counted)])
    return [answers.NamedCount(name=name, leads=counted[name]) for name in names]

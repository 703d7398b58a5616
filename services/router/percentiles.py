"""How a lead's main score compares with other leads': by some of them, drawn now and then.

Never a look at all leads for one packet: a few hundred blocks of the table, at most every five
minutes per process and ruleset version.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
import msgspec
import structlog

from services.router.outbox import Pool
from services.scorer.core.by_time import scored_until_ms
from services.scorer.core.compiled import JOURNEY, Ruleset
from services.scorer.core.standing import score_at
from shared.lead_state import ScoreState, decode_scores

log = structlog.get_logger()

BLOCKS = 300
LEADS_LEAST = 20  # fewer tell nothing
LEADS_MOST = 6000
EVERY_MS = 5 * 60_000
VERSIONS_KEPT = 4
ANSWER_SECONDS = 5.0
SAME = 1e-6  # of a point: less is no difference
AT_ONCE = 200  # leads scored before others get their turn

# Blocks are drawn at random, so that old and new leads have the same chance.
SHARE = """
SELECT least(100.0, 100.0 * $1 / greatest(1, pg_relation_size('lead')
    / current_setting('block_size')::int))::float8
"""
SAMPLE = """
SELECT scores FROM lead TABLESAMPLE SYSTEM ($1)
WHERE merged_into IS NULL AND ruleset_version = $2 LIMIT $3
"""

# Whatever Postgres says: the hand-off goes without.
_NOT_NOW = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Scores of leads by one model, ascending. at_ms: when they were drawn."""

    model: str
    scores: tuple[float, ...]
    at_ms: int

    def below(self, score: float) -> float | None:
        """The share of leads with a lower score, 0 to 100; None where too few were drawn."""
        if len(self.scores) < LEADS_LEAST:
            return None
        return round(100 * bisect_left(self.scores, score - SAME) / len(self.scores), 1)


def main_model(ruleset: Ruleset) -> str | None:
    """The score that says how far somebody is: the grade's engagement, else what the first stage
    with a threshold asks for, else the first there is.
    """
    if ruleset.grade is not None:
        return ruleset.grade.engagement
    for rung in ruleset.ladders[JOURNEY].rungs if JOURNEY in ruleset.ladders else ():
        for model, _ in rung.enter:
            return model
    return ruleset.models[0] if ruleset.models else None


class Percentiles:
    """Draws leads, and remembers them for five minutes. now_ms: the clock."""

    def __init__(self, pool: Pool, now_ms: Callable[[], int]) -> None:
        self._pool = pool
        self._now_ms = now_ms
        self._kept: OrderedDict[int, Drawn] = OrderedDict()
        self._tried_ms: dict[int, int] = {}
        self._drawing = asyncio.Lock()

    async def drawn(self, version: int, ruleset: Ruleset | None) -> Drawn | None:
        """Leads under that version; None where there are none yet, or none can be had: a hand-off
        doesn't wait for its percentile.
        """
        model = None if ruleset is None else main_model(ruleset)
        if ruleset is None or model is None:
            return None
        async with self._drawing:
            now_ms = self._now_ms()
            if now_ms - self._tried_ms.get(version, -EVERY_MS) >= EVERY_MS:
                self._tried_ms[version] = now_ms
                try:
                    self._kept[version] = await self._draw(version, ruleset, model, now_ms)
                except _NOT_NOW as error:
                    log.warning("no leads to compare with", why=type(error).__name__)
                while len(self._kept) > VERSIONS_KEPT:
                    self._tried_ms.pop(self._kept.popitem(last=False)[0], None)
        return self._kept.get(version)

    async def _draw(self, version: int, ruleset: Ruleset, model: str, now_ms: int) -> Drawn:
        async with self._pool.acquire() as connection:
            share = await connection.fetchval(SHARE, BLOCKS, timeout=ANSWER_SECONDS)
            rows = await connection.fetch(
                SAMPLE, share, version, LEADS_MOST, timeout=ANSWER_SECONDS
            )
        scores: list[float] = []
        for number, row in enumerate(rows, 1):
            try:
                scores.append(_score(ruleset, decode_scores(row["scores"]), model, now_ms))
            except (msgspec.MsgspecError, LookupError):
                continue
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        return Drawn(model, tuple(sorted(scores)), now_ms)


def _score(ruleset: Ruleset, state: ScoreState, model: str, now_ms: int) -> float:
    at_ms = max(now_ms, scored_until_ms(state))
    return score_at(ruleset, state, model, at_ms)

"""Sweeps of retention over a workbench, and what must be the same after them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from services.console.explained_page import explain_page, read_page
from services.console.explanation import models_that_differ
from services.console.lead_view import scores_at, shown_at
from services.console.ruleset_view import view_of
from services.scorer.audit.comparison import differences
from services.scorer.audit.queries import ONE_LEAD
from services.scorer.audit.stored import one_lead
from services.scorer.audit.yardstick import Yardstick, as_written
from services.scorer.core.by_time import advance_scores
from services.scorer.core.fold import fold_scores, new_state, position
from services.scorer.retention.keeper import take_step
from services.scorer.retention.steps import Step
from shared.database import engine_for
from shared.decay import score_at
from shared.envelope import Event, milliseconds
from shared.identity import ANONYMOUS, EMAIL
from shared.lead_state import ScoreState, decode_scores
from shared.ruleset.reading import read_ruleset
from shared.settings import Settings
from tests.conftest import Stack
from tests.integration.scorer.bench_of_leads import (
    HASH_KEY,
    RULES,
    Workbench,
    happening,
)

DAY = 1440
ANN, BOB, VISITOR = (EMAIL, "ann@example.com"), (EMAIL, "bob@example.com"), (ANONYMOUS, "a1")


def settings(**days: int) -> Settings:
    kept = {"retention_events_days": 0, "retention_anonymous_days": 0, "retention_bots_days": 0,
            "retention_logs_days": 0, "retention_every_seconds": 0.0001} | days  # fmt: skip
    return Settings(
        kafka_bootstrap_servers="none", database_url="none", hash_key=HASH_KEY.decode(), **kept
    )  # type: ignore[call-arg]


async def sweep(bench: Workbench, name: str, days: int, connection: Any = None) -> int:
    """A whole sweep of a class, seen from the bench's watermark. Returns the rows gone."""
    connection = connection or bench.connection
    told = settings(**{f"retention_{name}_days": days})
    gone = 0
    while True:
        async with connection.transaction():
            made: Step | None = await take_step(connection, name, told, bench.scene())
        assert made is not None
        assert not made.waits
        gone += made.gone
        if made.ended:
            return gone


def visits(first: int, count: int, day: float, every: float = 1.0, **who: str) -> list[Event]:
    kinds = ["content_downloaded", "page_viewed", "page_viewed", "email_clicked"]
    return [
        happening(first + at, kinds[at % 4], after=(day + at * every) * DAY,
                  content_id=f"c{at % 3}", **who)  # type: ignore[arg-type]
        for at in range(count)
    ]  # fmt: skip


async def state_of(bench: Workbench, lead_id: UUID) -> ScoreState:
    return decode_scores((await bench.connection.fetchrow(ONE_LEAD, lead_id))["scores"])


async def assert_scores(bench: Workbench, who: tuple[int, str], events: list[Event]) -> None:
    """The lead's scores are those of these events, and it counts as many."""
    state = await state_of(bench, await bench.lead_of(*who))
    due = fold_scores(bench.rules, new_state(), sorted(events, key=position)).state
    until_ms = milliseconds(bench.watermark)
    advance_scores(bench.rules, due, until_ms)
    assert state.events == due.events
    assert state.traits == due.traits
    for name in bench.rules.models:
        for days in (0, 7, 100):
            at_ms = max(until_ms, due.last[0] if due.last else 0) + days * DAY * 60_000
            models = [one.models[name] for one in (state, due) if name in one.models]
            assert len(models) in (0, 2)
            if models:
                stored, recomputed = (score_at(model, at_ms) for model in models)
                assert stored == pytest.approx(recomputed, abs=1e-6), name


async def count(bench: Workbench, table: str, where: str = "true") -> int:
    found: int = await bench.connection.fetchval(f"SELECT count(*) FROM {table} WHERE {where}")
    return found


async def assert_balanced(
    bench: Workbench, stack: Stack, text: str = RULES, carried: int = 0
) -> None:
    """The audit finds nothing, and explanations add up to the scores. carried: so many events."""
    names = {number: rule.name for number, rule in bench.rules.by_number.items()}
    yardstick = Yardstick(as_written(text), bench.rules, names)
    view = view_of(
        bench.rules.version, read_ruleset(text), {name: at for at, name in names.items()}
    )
    database = await bench.connection.fetchval("SELECT current_database()")
    engine = engine_for(stack.database_url(database))
    try:
        for row in await bench.connection.fetch("SELECT id FROM lead WHERE merged_into IS NULL"):
            lead = await one_lead(bench.connection, row["id"])
            assert lead is not None
            assert differences(lead, yardstick) == []
            scores = decode_scores(lead.scores)
            async with engine.connect() as connection:
                for newest in (5, 10_000):
                    read = await read_page(
                        connection, lead.id, scores, shown_at(scores, 0), None, newest
                    )
                    explained = explain_page(view, read)
                    assert not models_that_differ(explained, scores_at(view, scores, read.at_ms))
            for model in explained.values():
                parts = [one.value_now for one in (*model.carried, *model.entries)]
                assert sum(parts) == pytest.approx(model.score, abs=1e-5)
            told = explained["engagement"].carried
            assert not carried or sum(one.events for one in told) == carried
    finally:
        await engine.dispose()

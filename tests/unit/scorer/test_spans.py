"""Moves that time brings where scores fade by windows and lines, or are made of others."""

from __future__ import annotations

import pytest

from services.scorer.core.crossing import next_move_ms
from services.scorer.core.fold import advance, next_due_ms
from services.scorer.core.ladder import decide
from tests.unit.scorer.stories import DAY, HOUR, MONDAY, event, ruleset, run

RULES = """
models:
  e:
    decay: %s
    cap: 100
    rules:
      - {id: visit, on: page_viewed, points: 20}
      - {id: gone, on: email_unsubscribed, points: -15}
  fit:
    rules: [{id: chief, when: {field: traits.title, exists: true}, points: 10}]
  both: {combined: {formula: "e / 2 + min(fit, 5)"}}
stages:
  ladder:
    - name: a
    - {name: b, enter: {both: 14}, leave: {both: 9}}
    - {name: c, enter: {both: 24}, leave: {both: 20}}
"""


@pytest.mark.parametrize(
    "decay", ["{window: 10d}", "{linear: {to_zero_in: 10d}}", "{half_life: 6d}"]
)
def test_time_moves_at_the_first_millisecond_and_at_no_other(decay: str) -> None:
    """Walking the clock finds the same moves, and `decide` is silent before each."""
    rules = ruleset(RULES % decay)
    kinds = ["page_viewed", "page_viewed", "email_unsubscribed", "page_viewed"]
    events = [event(kind, MONDAY + n * DAY + n * n * HOUR) for n, kind in enumerate(kinds)]
    events.append(event("form_submitted", MONDAY + 5 * DAY, traits={"title": "x"}))
    out = run(rules, events)
    ladder, journey = rules.ladders["main"], out.journeys[0]
    moved = []
    for at_ms in range(MONDAY + 5 * DAY, MONDAY + 40 * DAY, 60 * 60_000):
        due = next_move_ms(ladder, out.state.models, journey, journey.ladder_at_ms)
        assert due == next_due_ms(rules, out.state, out.journeys)
        if due is None or due > at_ms:
            assert decide(ladder, out.state.models, journey, at_ms) is None
            continue
        assert decide(ladder, out.state.models, journey, due - 1) is None
        moved += advance(rules, out.state, out.journeys, at_ms, True).changes
    assert moved
    assert journey.stage == "a"
    assert moved[-1].scores["both"] <= 9

"""Scores as they are shown, grades and bands."""

from __future__ import annotations

import pytest

from services.scorer.core.combined import bounds_of, evaluate
from services.scorer.core.fold import new_state
from services.scorer.core.standing import bands_at, grade_at, score_at
from shared.ruleset.formula import FormulaError, parse
from tests.unit.scorer.stories import DAY, MONDAY, event, ruleset, run

RULES = ruleset(
    """
models:
  engagement:
    cap: 100
    floor: 0
    decay: {half_life: 1d}
    rules:
      - {id: visit, on: page_viewed, points: 90}
      - {id: bounce, on: email_bounced, points: -120, decay: none}
  fit:
    rules: [{id: chief, when: {field: traits.title, eq: chief}, points: 60}]
  both:
    combined: {weights: {engagement: 0.5, fit: 0.25}}
  best:
    combined: {formula: "max(engagement, fit) / 2 - 10"}
    floor: 5
grade:
  fit: fit
  engagement: engagement
  fit_bounds: {A: 60, B: 30}
  engagement_bounds: {1: 80, 2: 40}
bands: {engagement: [{name: cold}, {name: warm, from: 15}, {name: hot, from: 55}]}
"""
)


def test_combined_scores_read_the_shown_ones() -> None:
    """Weights and formulas over scores between floor and cap; then bounded themselves."""
    state = run(RULES, [event(traits={"title": "chief"}), event("email_bounced", MONDAY + 1)]).state
    later = MONDAY + DAY
    assert score_at(RULES, state, "engagement", later) == 0
    assert score_at(RULES, state, "both", later) == 15
    assert score_at(RULES, state, "best", later) == 20
    assert score_at(RULES, new_state(), "best", later) == 5


def test_a_grade_is_a_letter_and_a_number() -> None:
    """A lead of which nothing is known is a C3; fading takes the number down."""
    assert grade_at(RULES, new_state(), MONDAY) == "C3"
    state = run(RULES, [event(traits={"title": "chief"})]).state
    grades = [grade_at(RULES, state, MONDAY + days * DAY) for days in (0, 1, 2)]
    assert grades == ["A1", "A2", "A3"]


def test_a_band_begins_at_its_least_score() -> None:
    """The lowest one holds everything below."""
    assert bands_at(RULES, new_state(), MONDAY) == {"engagement": "cold"}
    state = run(RULES, [event()]).state
    bands = [bands_at(RULES, state, MONDAY + days * DAY)["engagement"] for days in (0, 1, 2, 3)]
    assert bands == ["hot", "warm", "warm", "cold"]


SCORES = {"a": 3.0, "b-c": 4.0}
FORMULAS = [
    ("a + b-c * 2", 11), ("(a + b-c) * 2", 14), ("a - b-c - 1", -2), ("-a", -3), ("a / 2", 1.5),
    ("min(a, b-c, 1)", 1), ("max(a - 10, -b-c)", -4), (" .5*a ", 1.5), ("a / -2", -1.5),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), FORMULAS)
def test_a_formula_is_worked_out_as_at_school(text: str, value: float) -> None:
    """Products before sums, from left to right; and its bounds hold the value."""
    node = parse(text)
    assert evaluate(node, SCORES.__getitem__) == value
    low, high = bounds_of(node, lambda name: (SCORES[name] - 1, SCORES[name] + 2))
    assert low <= value <= high


@pytest.mark.parametrize(
    "text", ["", "a +", "a b", "a / b-c", "a / 0", "min(a)", "(a", "a)", "a ** 2", "f(a)", "(" * 99]
)
def test_what_is_no_formula_is_refused(text: str) -> None:
    """With words, and without running deep."""
    with pytest.raises(FormulaError):
        parse(text)

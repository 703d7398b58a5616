"""A page of an explanation, of random people under random rulesets, whose rest the state knows."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.explained_page import ReadPage, explain_page
from services.console.explanation import StoredEvent, TimeGiven
from services.console.lead_view import scores_at, shown_at
from services.console.queries import OF_TIME, EarningPage, Place
from services.console.ruleset_view import RulesetView, view_of
from services.console.sums import worth_of_entries
from services.scorer.core.by_time import advance_scores
from services.scorer.core.fold import fold_scores, new_state, position
from shared.envelope import encode_event
from shared.lead_state import ScoreState
from shared.ledger import by_instant, encode_entries
from shared.ruleset.reading import read_ruleset
from tests.oracle.conditions_at_random import Plain
from tests.oracle.histories_at_random import event_of, histories
from tests.oracle.rulesets_at_random import rulesets
from tests.unit.scorer.effort import examples

# Instant, entries, and the body of an event or None for time.
Row = tuple[int, bytes, bytes | None]
NAMES_ITSELF = {"", "bot", "no consent", "taken back"}


def kept(
    view: RulesetView, history: list[Plain], after_ms: int
) -> tuple[int, ScoreState, list[Row]]:
    """An instant so long after a lead's newest event, and what is stored of the lead then: its
    state, and what gave points, or took, in order.
    """
    line = sorted((event_of(plain) for plain in history), key=position)
    folded = fold_scores(view.core, new_state(), line)
    until_ms = shown_at(folded.state, 0) + after_ms
    times = folded.time_entries + advance_scores(view.core, folded.state, until_ms)
    rows: list[Row] = [(at_ms, entries, None) for at_ms, entries in by_instant(times)]
    for event, earned in zip(line, folded.entries, strict=True):
        if (entries := encode_entries(earned)) is not None:
            rows.append((position(event)[0], entries, encode_event(event)))
    # At the same ms, time comes first.
    return until_ms, folded.state, sorted(rows, key=lambda row: row[0])


def page_of(rows: list[Row], oldest: Place | None) -> EarningPage:
    events = [StoredEvent(at_ms, body, entries) for at_ms, entries, body in rows if body]
    times = [TimeGiven(at_ms, entries) for at_ms, entries, body in rows if not body]
    return EarningPage(events, times, oldest)


@examples(40)
@given(
    ruleset=rulesets(), history=histories, cuts=st.tuples(*[st.integers(0, 30)] * 2),
    after_ms=st.sampled_from([0, 1, 5_000, 60_000, 3_600_000]),
)  # fmt: skip
def test_every_page_adds_up_to_the_score_that_the_lead_is_shown_with(
    ruleset: Plain, history: list[Plain], cuts: tuple[int, int], after_ms: int
) -> None:
    """Whatever fades, is bounded, combined, given and taken by time: the lines are the score to
    the last digit, each line is worth what it tells, and each cut names its bound.
    """
    document = read_ruleset(json.dumps(ruleset))
    view = view_of(1, document, {name: at for at, name in enumerate(document.rule_names(), 1)})
    at_ms, state, rows = kept(view, history, after_ms)
    begin, end = sorted(min(cut, len(rows)) for cut in cuts)
    later = [(granted_ms, entries) for granted_ms, entries, _ in rows[end:]]
    page = page_of(rows[begin:end], (at_ms, OF_TIME) if begin else None)
    explained = explain_page(view, ReadPage(at_ms, state, page, later, None))
    before = [(granted_ms, entries) for granted_ms, entries, _ in rows[:begin]]
    earlier = worth_of_entries(view, before, at_ms)
    shown = scores_at(view, state, at_ms)
    for name, model in explained.items():
        told = json.loads(model.model_dump_json(), parse_float=Decimal)
        lines = [entry["value_now"] for entry in told["entries"]]
        lines += [computed["value"] for computed in told["computed"]]
        assert sum(lines, Decimal(told["earlier"]) + Decimal(told["later"])) == told["score"]
        assert model.earlier == pytest.approx(earlier[name], abs=1.1e-6)
        assert model.score == (shown[name] if begin else pytest.approx(shown[name], abs=2e-6))
        for entry in model.entries:
            assert (entry.cut_by == entry.clipped) == (entry.clipped in NAMES_ITSELF)

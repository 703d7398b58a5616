"""The core against the oracle: random rulesets, random histories, any order, any batching."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.core.by_time import advance_scores, scored_until_ms
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import (
    Folded,
    advance,
    any_by_hand,
    bound_after,
    extend,
    fold_scores,
    new_journeys,
    new_state,
    next_due_ms,
    position,
)
from services.scorer.core.standing import bands_at, grade_at, score_at
from services.scorer.slow.lead import Granted, Oracle
from shared.consent import DELIVERY, PURPOSES
from shared.envelope import Event
from shared.facts import StageChange
from shared.lead_state import (
    ScoreState,
    decode_journeys,
    decode_scores,
    encode_journeys,
    encode_scores,
)
from shared.ledger import Entry, TimeEntry
from tests.oracle.conditions_at_random import Plain
from tests.oracle.histories_at_random import (
    END_MS,
    START_MS,
    compiled,
    event_of,
    histories,
    ruled_histories,
)
from tests.oracle.rulesets_at_random import rulesets
from tests.oracle.stages import check_walk, claim_of
from tests.unit.scorer.effort import examples

CLOSE = 1e-9
cuts = st.lists(st.integers(0, 30), max_size=4)


def in_order(history: list[Plain]) -> list[Event]:
    return sorted((event_of(plain) for plain in history), key=position)


def in_batches(line: list[Event], cuts: list[int]) -> list[list[Event]]:
    edges = sorted({0, len(line), *(cut % (len(line) + 1) for cut in cuts)})
    return [line[a:b] for a, b in pairwise(edges)]


def assert_same_entries(core: Ruleset, ours: list[Any], theirs: list[Granted]) -> None:
    """Rules in order, points and raw points, and what cut them."""
    assert [core.by_number[one.rule].name for one in ours] == [one.rule for one in theirs]
    size = max([1.0, *(abs(one.raw) for one in theirs)])
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.points == pytest.approx(other.points, abs=CLOSE * size)
        assert mine.raw == pytest.approx(other.raw, abs=CLOSE * size)
        if mine.clipped != other.clipped:  # a bound that just leaves room for all of it
            assert abs(mine.points - mine.raw) < CLOSE * size


def assert_explained(
    core: Ruleset, line: list[Event], entries: list[list[Entry]], times: list[TimeEntry],
    oracle: Oracle,
) -> None:  # fmt: skip
    """Each event's entries, and those of time, are those of the oracle."""
    for event, mine in zip(line, entries, strict=True):
        of_event = [one for one in oracle.entries if one.by == position(event)]
        assert_same_entries(core, mine, of_event)
    by_time = [one for one in oracle.entries if one.by is None]
    assert_same_entries(core, times, by_time)
    assert [(one.at_ms, one.after) for one in times] == [(one.ms, one.after) for one in by_time]


def assert_same_standing(core: Ruleset, state: ScoreState, oracle: Oracle, from_ms: int) -> None:
    """Scores as shown, bands and grade, now and later."""
    size = max(1.0, sum(abs(one.points) for one in oracle.entries)) ** 2
    for at_ms in (from_ms, from_ms + 1, from_ms + 61_234, from_ms + 1_000_000):
        for name in core.models:
            ours = score_at(core, state, name, at_ms)
            assert ours == pytest.approx(oracle.score(name, at_ms), abs=CLOSE * size)
        if "grade" in oracle.ruleset and any(one.points for one in oracle.entries):
            assert grade_at(core, state, at_ms) == oracle.grade(at_ms)
        for name, band in bands_at(core, state, at_ms).items():
            assert band == oracle.band(name, at_ms)


def assert_same_consent(state: ScoreState, oracle: Oracle) -> None:
    """What was said of each purpose, since when, where, and of which text; and the region."""
    for purpose in (*PURPOSES, DELIVERY):
        said, due = state.consent.get(purpose), oracle.consents.since(purpose)
        assert (said is None) == (due is None)
        if said is not None and due is not None:
            assert (said.granted, said.text) == (due.granted, due.text)
            assert (said.at_ms, said.source) == due.place[:2]
    assert state.region == oracle.consents.region


def whole_fold(core: Ruleset, history: list[Plain], until_ms: int = END_MS) -> Folded:
    """All events in order, and the time after them."""
    folded = fold_scores(core, new_state(), in_order(history))
    folded.time_entries += advance_scores(core, folded.state, until_ms)
    return folded


@examples(220)
@given(ruleset=rulesets(), history=histories, cuts=cuts)
def test_entries_scores_and_grades_are_those_of_the_oracle(
    ruleset: Plain, history: list[Plain], cuts: list[int]
) -> None:
    """In whatever batches they come, events in order and time give what the definitions say."""
    core = compiled(ruleset)
    oracle = Oracle(ruleset, history, END_MS)
    state, journeys, entries, times = new_state(), new_journeys(core, START_MS), [], []
    for batch in in_batches(in_order(history), cuts):
        state = decode_scores(encode_scores(state))
        extended = extend(core, state, journeys, batch, True)
        assert not extended.needs_settle
        entries += extended.entries
        times += extended.time_entries
    times += advance(core, state, journeys, END_MS, True).time_entries
    assert_explained(core, in_order(history), entries, times, oracle)
    assert_same_standing(core, state, oracle, END_MS)
    assert_same_consent(state, oracle)
    whole = whole_fold(core, history)
    assert encode_scores(whole.state) == encode_scores(state)
    assert (whole.entries, whole.time_entries) == (entries, times)


@examples(40)
@given(ruleset=rulesets(), history=histories)
def test_scores_right_after_the_newest_event_are_those_of_the_oracle(
    ruleset: Plain, history: list[Plain]
) -> None:
    """Before anything has faded or turned by time."""
    core = compiled(ruleset)
    state = fold_scores(core, new_state(), in_order(history)).state
    oracle = Oracle(ruleset, history)
    last = state.last[0] if state.last else START_MS
    assert_same_standing(core, state, oracle, last)


@examples(140)
@given(
    ruleset=rulesets(), history=histories, order=st.randoms(use_true_random=False), cuts=cuts,
    ticks=st.lists(st.integers(0, 50 * 60), max_size=4),
)  # fmt: skip
def test_arrival_order_duplicates_and_timers_change_nothing(
    ruleset: Plain, history: list[Plain], order: Any, cuts: list[int], ticks: list[int]
) -> None:
    """Late events folded again from a checkpoint give the bits that order would have given."""
    core = compiled(ruleset)
    whole = whole_fold(core, history)
    arrivals = [event_of(plain) for plain in history + history[::2]]
    order.shuffle(arrivals)
    state, seen = new_state(), {}
    checkpoints: list[ScoreState] = [new_state()]
    for number, batch in enumerate(in_batches(arrivals, cuts)):
        fresh = {(one.source, one.id): one for one in batch if (one.source, one.id) not in seen}
        line = sorted(fresh.values(), key=position)
        seen.update(fresh)
        late = line and state.last is not None and (
            position(line[0]) < state.last or position(line[0])[0] < scored_until_ms(state)
        )  # fmt: skip
        if late:
            kept = [c for c in checkpoints if c.last is None or c.last < position(line[0])]
            checkpoints, state = kept, decode_scores(encode_scores(kept[-1]))
            line = sorted(seen.values(), key=position)
            line = [one for one in line if state.last is None or position(one) > state.last]
        folded = fold_scores(core, state, line, every=3)
        state = folded.state
        checkpoints += [copy for _, copy in folded.checkpoints]
        for tick in ticks[number : number + 1]:
            advance_scores(core, state, START_MS + tick * 1000)
    advance_scores(core, state, END_MS)
    assert encode_scores(state) == encode_scores(whole.state)


def walked(
    core: Ruleset, line: list[Event], cuts: list[int], ticks: list[int]
) -> tuple[list[StageChange], list[TimeEntry], bytes]:
    """Every change of a lead whose events come in order, and of the time after them. ticks:
    seconds at which a timer runs, where no event stands before it. Nothing is looked for before
    the bound that a lead keeps.
    """
    begun = position(line[0])[0] if line else START_MS
    state, journeys = new_state(), new_journeys(core, begun)
    changes: list[StageChange] = []
    times: list[TimeEntry] = []
    bound: int | None = None
    new = True
    for batch in in_batches(line, cuts):
        for tick in sorted(START_MS + second * 1000 for second in ticks):
            if batch and (state.last or (0,))[0] <= tick < position(batch[0])[0]:
                due = next_due_ms(core, state, journeys)
                settled = advance(core, state, journeys, tick, True)
                moved = settled.changes or settled.time_entries
                assert bool(moved) <= (due is not None and due <= tick)
                changes += settled.changes
                times += settled.time_entries
                bound = next_due_ms(core, state, journeys)
        by_hand = any_by_hand(journeys)
        quiet_until = 0 if new else END_MS if bound is None else bound
        extended = extend(core, state, journeys, batch, True, quiet_until_ms=quiet_until)
        changes += extended.changes
        times += extended.time_entries
        journeys = decode_journeys(encode_journeys(journeys))
        moved = by_hand or bool(extended.changes) or new
        bound = bound_after(core, state, journeys, extended.entries, bound, moved=moved)
        new = False
        due = next_due_ms(core, state, journeys)
        assert due is None or (bound is not None and bound <= due)
    settled = advance(core, state, journeys, END_MS, True)
    return [*changes, *settled.changes], [*times, *settled.time_entries], encode_scores(state)


@examples(40)
@given(
    ruleset=rulesets(3), history=ruled_histories, cuts=cuts,
    ticks=st.lists(st.integers(0, 50 * 60), max_size=4),
)  # fmt: skip
def test_no_move_is_missed_and_none_invented(
    ruleset: Plain, history: list[Plain], cuts: list[int], ticks: list[int]
) -> None:
    """At every instant looked at the lead stands where the oracle puts it; every move of time
    comes at its millisecond and not at the one before; batches and timers change nothing.
    """
    core = compiled(ruleset)
    line = in_order(history)
    changes, times, state = walked(core, line, [], [])
    assert walked(core, line, cuts, ticks) == (changes, times, state)
    # All journeys of a lead are numbered together.
    assert [one.seq for one in changes] == list(range(1, len(changes) + 1))
    oracle = Oracle(ruleset, history, END_MS)
    begun = position(line[0])[0] if line else START_MS
    end = (position(line[-1])[0] if line else START_MS) + 1_800_000
    clock = range(begun, end, 29_000)
    near = [ms for ms in clock if any(0 <= ms - event["ms"] < 900_000 for event in history)]
    for journey, stages in {"main": ruleset["stages"], **ruleset.get("journeys", {})}.items():
        made = [one for one in changes if one.journey == journey]
        claims = [claim_of(one) for one in made]
        check_walk(oracle, journey, stages, claims, near, begun)

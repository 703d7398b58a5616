"""The core against the oracle: random rulesets, random histories, any order, any batching."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.core.compile import Ruleset
from services.scorer.core.fold import (
    advance,
    extend,
    fold_scores,
    new_journeys,
    new_state,
    next_due_ms,
    position,
)
from shared.decay import score_at
from shared.envelope import Event
from shared.facts import StageChange
from shared.lead_state import ScoreState, decode_scores, encode_scores
from shared.ledger import Entry
from tests.unit.scorer.effort import examples
from tests.unit.scorer.histories import START_MS, compiled, event_of, histories, rulesets
from tests.unit.scorer.oracle import Oracle

Plain = dict[str, Any]
END_MS = START_MS + 6 * 3600 * 1000

quick = examples(35)


def in_order(history: list[Plain]) -> list[Event]:
    return sorted((event_of(plain) for plain in history), key=position)


def in_batches(line: list[Event], cuts: list[int]) -> list[list[Event]]:
    edges = sorted({0, len(line), *(cut % (len(line) + 1) for cut in cuts)})
    return [line[a:b] for a, b in pairwise(edges)]


def assert_same_points(ruleset: Ruleset, entries: list[Entry], oracle: Oracle) -> None:
    ours = [(ruleset.by_number[entry.rule].name, entry.points) for entry in entries if entry.points]
    theirs = [(entry["rule"], entry["points"]) for entry in oracle.granted]
    assert [name for name, _ in ours] == [name for name, _ in theirs]
    assert [p for _, p in ours] == pytest.approx([p for _, p in theirs], abs=1e-7)


def assert_same_scores(ruleset: Ruleset, state: ScoreState, oracle: Oracle) -> None:
    last = state.last[0] if state.last else START_MS
    for at_ms in (last, last + 1, last + 61_234, last + 5_000_000):
        for name in ruleset.models:
            model = state.models.get(name)
            ours = score_at(model, at_ms) if model else 0.0
            assert ours == pytest.approx(oracle.score(name, at_ms), abs=1e-7)


@quick
@given(ruleset=rulesets(), history=histories, cuts=st.lists(st.integers(0, 30), max_size=4))
def test_batches_give_the_points_that_the_oracle_gives(
    ruleset: Plain, history: list[Plain], cuts: list[int]
) -> None:
    """Entries, scores and stored state are the same however events in order are batched."""
    core = compiled(ruleset)
    oracle = Oracle(ruleset, history)
    state, journeys, entries = new_state(), new_journeys(core, START_MS), []
    for batch in in_batches(in_order(history), cuts):
        state = decode_scores(encode_scores(state))
        extended = extend(core, state, journeys, batch, True)
        assert not extended.needs_settle
        entries += extended.entries
    assert_same_points(core, [one for each in entries for one in each], oracle)
    assert_same_scores(core, state, oracle)
    whole = fold_scores(core, new_state(), in_order(history))
    assert encode_scores(whole.state) == encode_scores(state)
    assert whole.entries == entries


@quick
@given(
    ruleset=rulesets(), history=histories, order=st.randoms(use_true_random=False),
    cuts=st.lists(st.integers(0, 30), max_size=5),
)  # fmt: skip
def test_arrival_order_and_duplicates_change_nothing(
    ruleset: Plain, history: list[Plain], order: Any, cuts: list[int]
) -> None:
    """Late events folded again from a checkpoint give the bits that order would have given."""
    core = compiled(ruleset)
    whole = fold_scores(core, new_state(), in_order(history)).state
    arrivals = [event_of(plain) for plain in history + history[::2]]
    order.shuffle(arrivals)
    state, seen = new_state(), {}
    checkpoints: list[bytes] = [encode_scores(new_state())]
    for batch in in_batches(arrivals, cuts):
        fresh = {(one.source, one.id): one for one in batch if (one.source, one.id) not in seen}
        line = sorted(fresh.values(), key=position)
        seen.update(fresh)
        if line and state.last is not None and position(line[0]) < state.last:
            known = [decode_scores(checkpoint) for checkpoint in checkpoints]
            base = [c for c in known if c.last is None or c.last < position(line[0])][-1]
            checkpoints = [encode_scores(c) for c in known if (c.last or ()) <= (base.last or ())]
            line = sorted(seen.values(), key=position)
            line = [one for one in line if base.last is None or position(one) > base.last]
            state = base
        folded = fold_scores(core, state, line, every=3)
        state = folded.state
        checkpoints += [encode_scores(copy) for _, copy in folded.checkpoints]
    assert encode_scores(state) == encode_scores(whole)


def walked(core: Ruleset, line: list[Event], cuts: list[int]) -> list[StageChange]:
    """Every change of a lead whose events come in order, and of the time after them."""
    state, journeys, changes = new_state(), new_journeys(core, START_MS), []
    for batch in in_batches(line, cuts):
        changes += extend(core, state, journeys, batch, True).changes
    due = next_due_ms(core, state, journeys)
    changes += advance(core, state, journeys, END_MS, True).changes
    if due is not None and due <= END_MS:
        after = [change for change in changes if change.cause == "time"]
        assert any(change.at_ms == due for change in after)
    return changes


@quick
@given(ruleset=rulesets(3), history=histories, cuts=st.lists(st.integers(0, 30), max_size=3))
def test_no_move_is_missed_and_none_invented(
    ruleset: Plain, history: list[Plain], cuts: list[int]
) -> None:
    """At every second the lead stands where the oracle has no quarrel; every move of time is due
    at its millisecond and not at the one before."""
    core = compiled(ruleset)
    line = in_order(history)
    changes = walked(core, line, cuts)
    assert walked(core, line, []) == changes
    assert [change.seq for change in changes] == list(range(1, len(changes) + 1))
    so_far = {ms: Oracle(ruleset, [e for e in history if e["ms"] <= ms]) for ms in
              {START_MS, *(e["ms"] for e in history)}}  # fmt: skip
    times = sorted(so_far)
    stage, since, pending = "s0", START_MS, list(changes)
    moments = sorted({*times, *(START_MS + 1000 * n for n in range(0, 6 * 3600, 97)),
                      *(c.at_ms for c in changes), *(c.at_ms - 1 for c in changes)})  # fmt: skip
    for moment in moments:
        before = max(time for time in [START_MS, *times] if time <= max(moment, START_MS))
        oracle = so_far[before]
        while pending and pending[0].at_ms == moment:
            change = pending.pop(0)
            assert change.from_stage == stage
            if change.cause == "time":
                held = so_far[max([START_MS, *(t for t in times if t < moment)])]
                assert held.stage_after(stage, since, moment) == change.to_stage
                assert held.stage_after(stage, since, moment - 1) == stage
            stage, since = change.to_stage, change.at_ms
        if moment > START_MS:
            assert oracle.stage_after(stage, since, moment) == stage
    assert not pending

"""Scores without the events they came of: carried forward, shared out, added up."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.core.adding import added
from services.scorer.core.by_time import advance_scores
from services.scorer.core.carrying import (
    Carried,
    carried,
    encode_counts,
    restored,
    stored_carried,
)
from services.scorer.core.compiled import Ruleset
from services.scorer.core.dividing import Division
from services.scorer.core.fold import fold_scores, new_state, position
from services.scorer.core.standing import score_at
from shared.envelope import Event
from shared.lead_state import ScoreState, encode_scores
from tests.oracle.conditions_at_random import Plain
from tests.oracle.histories_at_random import END_MS, NEXT_DAY_MS, compiled, event_of, histories
from tests.oracle.rulesets_at_random import rulesets
from tests.unit.scorer.effort import examples

PEOPLE = [UUID(int=number) for number in (1, 2, 3)]
LATER_MS = (0, 1, 3_600_000, NEXT_DAY_MS, 40 * NEXT_DAY_MS)


def in_order(history: list[Plain]) -> list[Event]:
    return sorted((event_of(plain) for plain in history), key=position)


def kept(ruleset: Ruleset, state: ScoreState) -> Carried:
    """As it comes back from the table."""
    made = carried(ruleset, state)
    return stored_carried(encode_scores(made.state), made.version, encode_counts(made))


def assert_same_scores(core: Ruleset, one: ScoreState, other: ScoreState, size: float) -> None:
    """Now, and as they fade."""
    for model in core.models:
        for later in LATER_MS:
            at_ms = END_MS + later
            value = score_at(core, one, model, at_ms)
            assert value == pytest.approx(score_at(core, other, model, at_ms), abs=1e-6 * size)


def assert_same(core: Ruleset, one: ScoreState, other: ScoreState) -> None:
    """Scores, and what is remembered of limits, traits and counts."""
    assert_same_scores(core, one, other, 1.0)
    assert (one.events, one.last, one.traits) == (other.events, other.last, other.traits)
    assert one.consent == other.consent
    assert one.watch == other.watch
    for name in one.models.keys() | other.models.keys():
        left, right = one.models[name], other.models[name]
        assert {n: (u[0], set(u[1:])) for n, u in left.limits.items()} == {
            n: (u[0], set(u[1:])) for n, u in right.limits.items()
        }
        assert left.holding == pytest.approx(right.holding)
        raws = [one.more.raws if one.more is not None else {} for one in (left, right)]
        assert raws[0] == raws[1]


@given(rulesets(), histories, st.integers(0, 14), st.integers(0, 14))
@examples(60)
def test_a_history_goes_and_the_rest_earns_what_it_would_have(
    ruleset: Plain, history: list[Plain], cut: int, second: int
) -> None:
    """To the last bit, though the oldest part goes in two steps."""
    core, line = compiled(ruleset), in_order(history)
    first, second = sorted((cut % (len(line) + 1), second % (len(line) + 1)))
    whole = fold_scores(core, new_state(), line)
    state, entries = restored(
        core, [kept(core, fold_scores(core, new_state(), line[:first]).state)]
    )
    assert not entries
    state = fold_scores(core, state, line[first:second]).state
    state, _ = restored(core, [kept(core, state)])
    rest = fold_scores(core, state, line[second:])
    assert rest.state == whole.state
    assert rest.entries == whole.entries[second:]


@given(rulesets(), histories, st.data())
@examples(60)
def test_shares_of_a_merged_lead_add_up_to_it(
    ruleset: Plain, history: list[Plain], data: st.DataObject
) -> None:
    """Divided twice, each time with what was carried before; and folded on from the sum."""
    core, line = compiled(ruleset), in_order(history)
    edges = sorted(data.draw(st.integers(0, len(line))) for _ in range(2))
    of = data.draw(st.lists(st.sampled_from(PEOPLE), min_size=len(line), max_size=len(line)))
    whole = new_state()
    carries: dict[UUID, Carried] = {}
    begun = 0
    for end in edges:
        shares = {one: restored(core, [kept])[0] for one, kept in carries.items()}
        division = Division(core, PEOPLE[0], shares)
        for event, owner in zip(line[begun:end], of[begun:end], strict=True):
            division.fold(event, owner)
        whole = fold_scores(core, whole, line[begun:end]).state
        assert_same(core, division.whole, whole)
        divided = division.divided()
        assert_same(core, added(list(divided.values())), whole)
        for one in PEOPLE[1:]:
            assert (divided[one].events if one in divided else 0) == of[:end].count(one)
        carries = {one: kept(core, share) for one, share in divided.items()}
        begun = end
    state, _ = restored(core, list(carries.values()))
    rest = fold_scores(core, state, line[begun:]).state
    everything = fold_scores(core, whole, line[begun:]).state
    for one in (rest, everything):
        advance_scores(core, one, END_MS)
    size = 1.0 + sum(abs(s.amount) for m in everything.models.values() for s in m.sums.values())
    assert_same_scores(core, rest, everything, size)

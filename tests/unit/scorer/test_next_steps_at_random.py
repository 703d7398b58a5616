"""Next steps of random leads: each is sent, and core and oracle say what came of it."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.core.compile import Ruleset
from services.scorer.core.fold import advance, copied, extend, new_journeys, new_state
from services.scorer.core.matching import matched_rules
from services.scorer.core.next_steps import NextSteps, Step, is_higher, next_steps
from services.scorer.core.watching import holding
from shared.envelope import Event, Identifiers, milliseconds
from shared.facts import StageChange
from shared.lead_state import JourneyState, ScoreState
from tests.oracle.conditions_at_random import Plain
from tests.oracle.histories_at_random import START_MS, compiled, event_of, events, ruled_histories
from tests.oracle.lead import Oracle
from tests.oracle.rulesets_at_random import rulesets
from tests.oracle.stages import Claim, check_walk
from tests.unit.scorer.effort import examples

WHO = Identifiers(email="sarah@example.com")
# Longer than any length of time in the rulesets, after the newest event.
LATER_MS = 3_600_000


def plain_of(event: Event) -> Plain:
    """An event as the oracle takes it."""
    parts = {name: getattr(event, name) for name in ("properties", "traits", "context")}
    return {
        "id": event.id, "source": event.source, "type": event.type, "bot": False,
        "ms": milliseconds(event.occurred_at),
        "identifiers": msgspec.to_builtins(event.identifiers), **parts,
    }  # fmt: skip


def in_order(history: list[Plain]) -> list[Plain]:
    return sorted(history, key=lambda one: (one["ms"], one["source"], one["id"]))


def told(core: Ruleset, line: list[Plain]) -> tuple[ScoreState, list[JourneyState]]:
    """A lead after its history."""
    state, journeys = new_state(), new_journeys(core, line[0]["ms"] if line else START_MS)
    extend(core, state, journeys, [event_of(one) for one in line], True)
    return state, journeys


def found_for(core: Ruleset, line: list[Plain], later: int) -> NextSteps:
    """The next steps of a lead with a history, so long after its newest event."""
    state, journeys = told(core, line)
    now_ms = (line[-1]["ms"] if line else START_MS) + later
    return next_steps(core, state, journeys, now_ms, True, WHO)


def changes_of(core: Ruleset, line: list[Plain], until_ms: int) -> list[StageChange]:
    """Every change of a lead's whole story, folded from its first event."""
    state, journeys = new_state(), new_journeys(core, line[0]["ms"] if line else START_MS)
    extended = extend(core, state, journeys, [event_of(one) for one in line], True)
    settled = advance(core, state, journeys, until_ms, True)
    return [*extended.changes, *settled.changes]


def first_after(changes: list[StageChange], at_ms: int) -> StageChange | None:
    """The first move on the main journey by the event at an instant, or by time after it."""
    return next(
        (
            one
            for one in changes
            if one.journey == "main"
            and (one.at_ms > at_ms or (one.at_ms == at_ms and one.cause == "event"))
        ),
        None,
    )


def check_by_oracle(
    ruleset: Plain, line: list[Plain], changes: list[StageChange], until: int
) -> None:
    """The oracle walks the same way."""
    oracle = Oracle(ruleset, line, until)
    claims = [
        Claim(one.from_stage, one.to_stage, one.at_ms, one.cause, one.handoff, one.episode)
        for one in changes
        if one.journey == "main"
    ]
    check_walk(oracle, "main", ruleset["stages"], claims, [], line[0]["ms"] if line else START_MS)


laters = st.sampled_from([1, 20_000, 61_000, 600_000])


@examples(40)
@given(ruleset=rulesets(), history=ruled_histories, later=laters)
def test_what_is_said_to_help_helps_and_nothing_else_does(
    ruleset: Plain, history: list[Plain], later: int
) -> None:
    """Each witness is sent after the whole history: a step brings the lead to the stage at the
    instant that were said; any other witness brings it nowhere higher than time alone does.
    """
    core = compiled(ruleset)
    line = in_order(history)
    found = found_for(core, line, later)
    assert len(found.steps) + len(found.others) == len(core.rules)
    assert [one.rule.effort for one in found.steps] == sorted(o.rule.effort for o in found.steps)
    without = found.by_time
    until = found.at_ms + LATER_MS
    for one in (*found.steps, *found.others):
        if one.witness is None:
            continue
        whole = [*line, plain_of(one.witness)]
        changes = changes_of(core, whole, until)
        first = first_after(changes, found.at_ms)
        if isinstance(one, Step):
            assert first is not None
            assert (first.to_stage, first.at_ms) == (one.to_stage, one.at_ms)
            check_by_oracle(ruleset, whole, changes, until)
        elif first is not None and is_higher(core.ladders["main"], found.stage, first.to_stage):
            assert without is not None
            assert without.at_ms <= first.at_ms
            assert not is_higher(core.ladders["main"], without.to_stage, first.to_stage)


@examples(40)
@given(ruleset=rulesets(), history=ruled_histories, later=laters)
def test_the_first_move_by_time_is_that_of_the_oracle(
    ruleset: Plain, history: list[Plain], later: int
) -> None:
    """What is said to come if nothing happens comes, and before it nothing."""
    core = compiled(ruleset)
    line = in_order(history)
    found = found_for(core, line, later)
    until = found.at_ms + LATER_MS
    if found.by_time is not None:
        until = max(until, found.by_time.at_ms)
    changes = changes_of(core, line, until)
    first = next((o for o in changes if o.journey == "main" and o.at_ms > found.at_ms), None)
    said = found.by_time
    assert (said and (said.to_stage, said.at_ms)) == (first and (first.to_stage, first.at_ms))
    check_by_oracle(ruleset, line, changes, until)


@examples(60)
@given(
    ruleset=rulesets(), history=ruled_histories, later=laters,
    tries=st.lists(events(), min_size=4, max_size=8),
)  # fmt: skip
def test_what_a_random_event_does_a_witness_does_too(
    ruleset: Plain, history: list[Plain], later: int, tries: list[Plain]
) -> None:
    """A rule that any event at that instant makes match is not said to have no witness."""
    core = compiled(ruleset)
    line = in_order(history)
    found = found_for(core, line, later)
    none = {o.rule.name for o in found.others if o.why in ("no_witness", "not_by_one_event")}
    state, journeys = told(core, line)
    advance(core, state, journeys, found.at_ms, True)
    for one in tries:
        if not one["bot"]:
            sent = event_of({**one, "ms": found.at_ms})
            for rule in matched_rules(core, copied(state), sent, found.at_ms):
                ends = rule.on_trait and holding(state, rule)
                assert ends or rule.name not in none, sent

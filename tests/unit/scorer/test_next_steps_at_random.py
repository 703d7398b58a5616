"""Next steps of random leads: each is sent, and core and oracle say what came of it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import advance, copied, extend, new_journeys, new_state
from services.scorer.core.matching import matched_rules
from services.scorer.core.next_steps import NextSteps, Step, is_higher, next_steps
from services.scorer.core.watching import holding
from services.scorer.slow.lead import Oracle
from shared.envelope import Event, Identifiers, milliseconds
from shared.facts import StageChange
from shared.lead_state import JourneyState, ScoreState
from tests.oracle.conditions_at_random import Plain
from tests.oracle.histories_at_random import compiled, event_of, events, ruled_histories
from tests.oracle.rulesets_at_random import rulesets
from tests.oracle.stages import check_walk, claim_of
from tests.unit.scorer.effort import examples

WHO = Identifiers(email="sarah@example.com")
# Longer than any length of time in the rulesets, after the newest event.
LATER_MS = 3_600_000


def plain_of(event: Event) -> Plain:
    """An event as the oracle takes it."""
    parts = {name: getattr(event, name) for name in ("properties", "traits", "context", "consent")}
    return {
        "id": event.id, "source": event.source, "type": event.type, "bot": False,
        "ms": milliseconds(event.occurred_at),
        "identifiers": msgspec.to_builtins(event.identifiers), **parts,
    }  # fmt: skip


def in_order(history: list[Plain]) -> list[Plain]:
    return sorted(history, key=lambda one: (one["ms"], one["source"], one["id"]))


def told(core: Ruleset, line: list[Plain]) -> tuple[ScoreState, list[JourneyState]]:
    """A lead after its history."""
    state, journeys = new_state(), new_journeys(core, line[0]["ms"])
    extend(core, state, journeys, [event_of(one) for one in line], True)
    return state, journeys


def found_for(core: Ruleset, line: list[Plain], later: int, journey: str = "main") -> NextSteps:
    """The next steps of a lead with a history, so long after its newest event."""
    state, journeys = told(core, line)
    now_ms = line[-1]["ms"] + later
    return next_steps(core, state, journeys, now_ms, True, WHO, journey)


@dataclass
class Story:
    """What became of a lead on one journey, folded from its first event. stage: right after its
    newest event, None while it isn't on the journey · later: its changes after that, by time.
    """

    ruleset: Plain
    line: list[Plain]
    journey: str
    stage: str | None
    changes: list[StageChange]
    later: list[StageChange]

    def check_by_oracle(self, until: int, clock: list[int]) -> None:
        """The oracle walks the same way. clock: instants to look at beside those that matter."""
        claims = [claim_of(one) for one in (*self.changes, *self.later)]
        stages = self.ruleset["stages"]
        if self.journey != "main":
            stages = self.ruleset["journeys"][self.journey]
        begun = self.line[0]["ms"]
        oracle = Oracle(self.ruleset, self.line, until)
        check_walk(oracle, self.journey, stages, claims, clock, begun)


def story_of(
    ruleset: Plain, core: Ruleset, line: list[Plain], journey: str, until_ms: int, now_ms: int
) -> Story:
    """Tell it up to an instant. now_ms: after which moves are later ones."""
    state, journeys = new_state(), new_journeys(core, line[0]["ms"])
    extended = extend(core, state, journeys, [event_of(one) for one in line], True)
    changes = extended.changes + advance(core, state, journeys, now_ms, True).changes
    stage = next((one.stage for one in journeys if one.name == journey), None)
    later = advance(core, state, journeys, until_ms, True).changes
    ours = [[one for one in some if one.journey == journey] for some in (changes, later)]
    return Story(ruleset, line, journey, stage, *ours)


# Every lead begins with an event.
pasts = ruled_histories.filter(bool)
laters = st.sampled_from([1, 20_000, 61_000, 600_000])
names = st.sampled_from(["main", "main", "other"])


@examples(40)
@given(ruleset=rulesets(), history=pasts, later=laters, journey=names)
def test_what_is_said_to_help_helps_and_nothing_else_does(
    ruleset: Plain, history: list[Plain], later: int, journey: str
) -> None:
    """Each witness is sent after the whole history: a step brings the lead to the stage at the
    instant that were said; any other witness brings it nowhere higher than time alone does.
    """
    core = compiled(ruleset)
    journey = journey if journey in core.ladders else "main"
    ladder, line = core.ladders[journey], in_order(history)
    found = found_for(core, line, later, journey)
    assert len(found.steps) + len(found.others) == len(core.rules)
    assert [one.rule.effort for one in found.steps] == sorted(o.rule.effort for o in found.steps)
    for one in (*found.steps, *found.others):
        if one.witness is None:
            continue
        until = found.at_ms + LATER_MS
        if isinstance(one, Step):
            until = max(until, one.at_ms)
        whole = [*line, plain_of(one.witness)]
        story = story_of(ruleset, core, whole, journey, until, found.at_ms)
        arrives = (story.stage, found.at_ms)
        if story.stage == found.stage and story.later:
            arrives = (story.later[0].to_stage, story.later[0].at_ms)
        if isinstance(one, Step):
            assert arrives == (one.to_stage, one.at_ms)
            story.check_by_oracle(until, [])
        elif arrives[0] is not None and is_higher(ladder, found.stage, arrives[0]):
            assert found.by_time is not None
            assert found.by_time.at_ms <= arrives[1]
            assert not is_higher(ladder, found.by_time.to_stage, arrives[0])


@examples(40)
@given(ruleset=rulesets(), history=pasts, later=laters, journey=names)
def test_the_first_move_by_time_is_that_of_the_oracle(
    ruleset: Plain, history: list[Plain], later: int, journey: str
) -> None:
    """What is said to come if nothing happens comes, and before it nothing."""
    core = compiled(ruleset)
    journey = journey if journey in core.ladders else "main"
    line = in_order(history)
    found = found_for(core, line, later, journey)
    said = found.by_time
    until = found.at_ms + LATER_MS
    if said is not None:
        until = max(until, said.at_ms)
    story = story_of(ruleset, core, line, journey, until, found.at_ms)
    first = story.later[0] if story.later else None
    assert (said and (said.to_stage, said.at_ms)) == (first and (first.to_stage, first.at_ms))
    assert story.stage == found.stage
    story.check_by_oracle(until, list(range(found.at_ms, found.at_ms + LATER_MS, 29_000)))


@examples(60)
@given(
    ruleset=rulesets(), history=pasts, later=laters,
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

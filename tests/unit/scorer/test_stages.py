"""Stages beside the ladder, conditions and allowed moves, journeys, stages set by hand."""

from __future__ import annotations

from typing import Any

import pytest

from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import (
    Extended,
    advance,
    extend,
    new_journeys,
    new_state,
    next_due_ms,
)
from services.scorer.core.standing import persona_at, segments_at
from shared.envelope import Event, Identifiers, Verdict, instant, rfc3339
from shared.facts import StageChange
from shared.lead_state import JourneyState, ScoreState
from shared.ruleset.reading import RulesetErrors, read_ruleset

DAY = 86_400_000
START = 1_780_272_000_000

RULES = """
models:
  interest:
    decay: none
    rules:
      - {id: visit, on: page_viewed, points: 10}
      - {id: back, on: page_left, points: -10}
"""


def ruleset(text: str) -> Ruleset:
    document = read_ruleset(RULES + text)
    numbers = {name: number for number, name in enumerate(document.rule_names(), 1)}
    return compile_ruleset(document, numbers, 1)


class Lead:
    """A lead that lives through events and time."""

    def __init__(self, text: str, known: bool = True) -> None:
        self.ruleset = ruleset(text)
        self.state: ScoreState = new_state()
        self.journeys: list[JourneyState] = new_journeys(self.ruleset, START)
        self.known = known
        self.changes: list[StageChange] = []
        self._events = 0

    def does(self, kind: str, day: float = 0, **over: Any) -> Extended:
        self._events += 1
        at = instant(START + round(day * DAY))
        event = Event(
            id=f"{self._events:04}", source=over.pop("source", "web"), type=kind, occurred_at=at,
            received_at=at, identifiers=Identifiers(email="a@x.example"),
            verdict=Verdict("human"), **over,
        )  # fmt: skip
        out = extend(self.ruleset, self.state, self.journeys, [event], self.known)
        self.changes += out.changes
        return out

    def waits(self, day: float) -> None:
        until = START + round(day * DAY)
        out = advance(self.ruleset, self.state, self.journeys, until, self.known)
        self.changes += out.changes

    def stage(self, journey: str = "main") -> str | None:
        return next((one.stage for one in self.journeys if one.name == journey), None)

    @property
    def due_day(self) -> float | None:
        due = next_due_ms(self.ruleset, self.state, self.journeys)
        return None if due is None else (due - START) / DAY


LADDER = """
stages:
  ladder:
    - {name: cold}
    - {name: warm, enter: {interest: 10}, leave: {interest: 5}}
    - {name: hot, enter: {interest: 20}, leave: {interest: 15}, handoff: sales}
"""
DORMANT = """  side:
    - {name: dormant, when: {quiet: {for: 30d}}}
"""
RECYCLED = """  side:
    - {name: recycled, on: sales_rejected, leave: {after: 30d}}
"""


def test_a_silent_lead_is_set_aside_at_its_instant_and_comes_back_with_an_event() -> None:
    """No event is needed to go dormant; any event brings the lead back to what its scores give."""
    lead = Lead(LADDER + DORMANT)
    lead.does("page_viewed", 0)
    assert lead.due_day == 30
    lead.waits(29.999)
    assert lead.stage() == "warm"
    lead.waits(40)
    assert [(one.to_stage, one.cause, one.at_ms) for one in lead.changes[1:]] == [
        ("dormant", "time", START + 30 * DAY)
    ]
    lead.does("page_viewed", 50)
    assert lead.stage() == "hot"
    assert lead.changes[-1].from_stage == "dormant"
    assert lead.changes[-1].episode == 2


def test_time_between_events_is_seen_by_the_next_event() -> None:
    """Nobody ran a timer: the lead was dormant all the same."""
    lead = Lead(LADDER + DORMANT)
    lead.does("page_viewed", 0)
    lead.does("link_clicked", 100)
    assert [one.to_stage for one in lead.changes] == ["warm", "dormant", "warm"]
    assert lead.due_day == 130


def test_a_rejected_lead_is_recycled_and_may_be_handed_over_again() -> None:
    """A hand-off per episode: coming back to the ladder begins the next."""
    lead = Lead(LADDER + RECYCLED)
    lead.does("page_viewed", 0)
    lead.does("page_viewed", 1)
    assert lead.changes[-1].handoff == "sales"
    lead.does("sales_rejected", 2)
    assert lead.stage() == "recycled"
    lead.does("page_viewed", 3)
    assert lead.stage() == "recycled"  # scores don't end it
    assert lead.due_day == 32
    lead.waits(32)
    assert lead.stage() == "hot"
    assert (lead.changes[-1].handoff, lead.changes[-1].episode) == ("sales", 2)


def test_only_an_earlier_side_stage_takes_a_lead_from_another() -> None:
    """The order of the list decides."""
    both = """  side:
    - {name: disqualified, on: lead_disqualified}
    - {name: recycled, on: sales_rejected, leave: {after: 30d}}
"""
    lead = Lead(LADDER + both)
    lead.does("sales_rejected", 1)
    lead.does("lead_disqualified", 2)
    lead.does("sales_rejected", 3)
    lead.waits(400)
    assert lead.stage() == "disqualified"
    assert lead.due_day is None


def test_a_side_stage_may_lead_back_to_a_named_stage() -> None:
    """Whatever the scores say."""
    lead = Lead(
        LADDER
        + """  side:
    - name: recycled
      on: sales_rejected
      event_when: {field: properties.reason, eq: too early}
      leave: {on: page_viewed}
      back_to: warm
"""
    )
    lead.does("sales_rejected", 1, properties={"reason": "no budget"})
    assert lead.stage() == "cold"
    lead.does("sales_rejected", 1, properties={"reason": "too early"})
    lead.does("page_viewed", 2)
    assert lead.stage() == "warm"


def test_a_stage_may_ask_for_more_than_scores() -> None:
    """A trait beside the threshold; and the stage is entered when the trait comes."""
    text = """
stages:
  ladder:
    - {name: cold}
    - name: hot
      enter: {interest: 10}
      when: {field: traits.country, eq: CH}
"""
    lead = Lead(text)
    lead.does("page_viewed", 0)
    assert lead.stage() == "cold"
    lead.does("lead_identified", 1, traits={"country": "CH"})
    assert lead.stage() == "hot"


def test_a_stage_may_be_closed_to_other_stages() -> None:
    """`from`: only from these, so nobody jumps."""
    text = """
stages:
  ladder:
    - {name: cold}
    - {name: warm, enter: {interest: 10}, leave: {interest: 5}}
    - {name: hot, enter: {interest: 20}, leave: {interest: 15}, from: warm}
"""
    lead = Lead(text)
    lead.state.models.clear()
    lead.does("page_viewed", 0)
    lead.does("page_viewed", 0.5)
    assert [one.to_stage for one in lead.changes] == ["warm", "hot"]
    closed = Lead(text.replace("from: warm", "from: cold"))
    closed.does("page_viewed", 0)
    closed.does("page_viewed", 0.5)
    assert [one.to_stage for one in closed.changes] == ["warm"]


def test_another_journey_begins_when_its_condition_holds() -> None:
    """Each has a stage of its own; their changes are numbered together."""
    text = (
        LADDER
        + """
journeys:
  renewal:
    when: {seen: {on: purchase_made}}
    ladder:
      - {name: content}
      - {name: at-risk, when: {quiet: {on: product_used, for: 14d}}, handoff: sales}
"""
    )
    lead = Lead(text)
    lead.does("page_viewed", 0)
    assert lead.stage("renewal") is None
    lead.does("purchase_made", 1)
    assert lead.stage("renewal") == "content"
    lead.does("product_used", 2)
    assert lead.due_day == 16
    lead.waits(20)
    assert [(one.journey, one.to_stage, one.seq) for one in lead.changes] == [
        ("main", "warm", 1),
        ("renewal", "at-risk", 2),
    ]


def by_hand(lead: Lead, day: float, source: str = "operator", **asked: Any) -> None:
    lead.does("stage_overridden", day, source=source, properties=asked)


def test_a_person_may_set_and_lock_a_stage_for_a_time() -> None:
    """Moves at once, says who; nothing moves it until the lock ends, then the ladder is read."""
    lead = Lead(LADDER)
    until = rfc3339(START + 10 * DAY)
    by_hand(lead, 1, stage="hot", lock=True, until=until, actor="kim")
    assert (lead.stage(), lead.changes[-1].cause, lead.changes[-1].actor) == (
        "hot",
        "manual",
        "kim",
    )
    lead.does("page_viewed", 2)
    assert lead.stage() == "hot"
    assert lead.due_day == 10
    lead.waits(12)
    assert (lead.stage(), lead.changes[-1].at_ms) == ("warm", START + 10 * DAY)


def test_a_lock_without_an_end_holds_until_it_is_taken_off() -> None:
    """And then the scores decide again."""
    lead = Lead(LADDER)
    by_hand(lead, 1, stage="hot", lock=True)
    lead.does("page_viewed", 2)
    lead.waits(400)
    assert lead.stage() == "hot"
    assert lead.due_day is None
    by_hand(lead, 401, stage=None)
    assert lead.stage() == "warm"


def test_without_a_lock_a_stage_stands_until_the_next_points() -> None:
    """Time alone doesn't undo what a person said, nor do events without points."""
    lead = Lead(LADDER)
    by_hand(lead, 1, stage="hot")
    lead.does("email_delivered", 2)
    lead.waits(100)
    assert (lead.stage(), lead.due_day) == ("hot", None)
    lead.does("page_viewed", 101)
    assert (lead.stage(), lead.changes[-1].cause) == ("warm", "event")


def test_an_event_that_brings_aside_moves_even_who_stands_by_hand() -> None:
    """Unless the stage is locked."""
    lead = Lead(LADDER + RECYCLED)
    by_hand(lead, 1, stage="hot")
    lead.does("sales_rejected", 2)
    assert lead.stage() == "recycled"
    by_hand(lead, 3, stage="hot", lock=True)
    lead.does("sales_rejected", 4)
    assert lead.stage() == "hot"


def test_a_lock_on_the_stage_a_lead_is_in_is_told_and_hands_nobody_over() -> None:
    """As a change from the stage to itself, with who did it; its dwell goes on, and saying the
    same again tells nothing more. Taking the lock off is told, too.
    """
    lead = Lead(LADDER)
    lead.does("page_viewed", 0)
    lead.does("page_viewed", 1)
    since = lead.journeys[0].since_ms
    by_hand(lead, 2, stage="hot", lock=True, actor="kim")
    by_hand(lead, 3, stage="hot", lock=True, actor="kim")
    by_hand(lead, 4, stage=None, actor="lee")
    by_hand(lead, 5, stage=None, actor="lee")
    told = [(one.from_stage, one.to_stage, one.cause, one.actor) for one in lead.changes[2:]]
    assert told == [("hot", "hot", "manual", "kim"), ("hot", "hot", "manual", "lee")]
    assert [(one.seq, one.handoff) for one in lead.changes] == [
        (1, None), (2, "sales"), (3, None), (4, None)
    ]  # fmt: skip
    assert lead.journeys[0].since_ms == since


def test_a_release_after_the_lock_has_ended_tells_nothing() -> None:
    """There is nothing left to take off."""
    lead = Lead(LADDER)
    lead.does("page_viewed", 0)
    by_hand(lead, 1, stage="warm", lock=True, until=rfc3339(START + 2 * DAY))
    by_hand(lead, 3, stage=None)
    assert [one.cause for one in lead.changes] == ["event", "manual"]


@pytest.mark.parametrize("until", ["2026-06-11T00:00:00", "2026-06-11"])
def test_the_end_of_a_lock_is_in_utc_unless_it_says_otherwise(until: str) -> None:
    """Ten days after the start."""
    lead = Lead(LADDER)
    by_hand(lead, 1, stage="hot", lock=True, until=until)
    assert lead.due_day == 10


@pytest.mark.parametrize("until", ["soon", 5, "", ["2026-06-11"]])
def test_a_lock_whose_end_cannot_be_read_is_left_alone(until: Any) -> None:
    """Better that nothing happens than that a lead is locked for good."""
    lead = Lead(LADDER)
    by_hand(lead, 1, stage="hot", lock=True, until=until)
    assert lead.changes == []
    assert lead.due_day is None


def test_from_one_stage_beside_the_ladder_to_an_earlier_one_is_handed_over() -> None:
    """It is entered, whichever way; once in an episode."""
    won = """  side:
    - {name: won, on: purchase_made, leave: {after: 300d}, handoff: sales}
    - {name: recycled, on: sales_rejected, leave: {after: 300d}, handoff: sales}
"""
    lead = Lead(LADDER + won)
    lead.does("sales_rejected", 0)
    lead.does("purchase_made", 1)
    assert [(one.to_stage, one.handoff) for one in lead.changes] == [
        ("recycled", "sales"),
        ("won", "sales"),
    ]


def test_a_stage_set_before_time_moved_the_lead_comes_after_that_move() -> None:
    """The order came late: changes stay in order of time."""
    lead = Lead(LADDER + DORMANT)
    lead.does("page_viewed", 0)
    lead.waits(40)
    by_hand(lead, 20, stage="hot")
    days = [(one.at_ms - START) / DAY for one in lead.changes]
    assert [one.to_stage for one in lead.changes] == ["warm", "dormant", "hot"]
    assert days == [0, 30, 30]


@pytest.mark.parametrize("asked", [{"stage": "nowhere"}, {"stage": 3}, {"journey": "none"}])
def test_what_cannot_be_done_by_hand_is_left_alone(asked: dict[str, Any]) -> None:
    """An unknown stage or journey changes nothing."""
    lead = Lead(LADDER)
    by_hand(lead, 1, **asked)
    assert lead.changes == []


def test_nobody_but_an_operator_sets_stages() -> None:
    """A sender's event of that name is an event like any other."""
    lead = Lead(LADDER)
    by_hand(lead, 1, source="web", stage="hot")
    assert lead.stage() == "cold"


def test_a_persona_is_the_first_that_holds_and_segments_are_all() -> None:
    """Both are read at an instant, and rules may ask for them."""
    lead = Lead(
        """  fit:
    rules:
      - {id: boss, when: {persona: boss}, points: 5}
      - {id: helper, when: {persona: helper}, points: 3}
personas:
  - {id: boss, when: {field: traits.title, contains: chief}}
  - {id: helper, when: {field: traits.title, exists: true}}
segments:
  - {id: swiss, when: {field: traits.country, eq: CH}}
  - {id: busy, when: {count: {on: page_viewed, within: 7d, at_least: 2}}}
"""
        + LADDER
    )
    lead.does("page_viewed", 0, traits={"title": "chief of staff", "country": "CH"})
    lead.does("page_viewed", 1)
    at = START + DAY
    assert persona_at(lead.ruleset, lead.state, at) == "boss"
    assert segments_at(lead.ruleset, lead.state, at) == ["swiss", "busy"]
    assert segments_at(lead.ruleset, lead.state, START + 9 * DAY) == ["swiss"]
    assert lead.state.models["fit"].holding == {3: 5.0}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (LADDER + "  side: [{name: b}]", "nothing brings"),
        (LADDER + "  side: [{name: hot, on: x}]", "used twice"),
        (LADDER + "  side: [{name: b, on: x, back_to: c}]", "there is no stage c"),
        (LADDER + "    - {name: b, enter: {interest: 50}, from: [z]}", "there is no stage z"),
        ("personas:\n  - {id: p, when: {field: type, eq: x}}\n" + LADDER, "only read traits"),
        ("journeys:\n  main:\n    ladder: [{name: a}]\n" + LADDER, "another name"),
    ],
)
def test_what_does_not_fit_is_told(text: str, line: str) -> None:
    """With what is wrong, in words."""
    with pytest.raises(RulesetErrors) as caught:
        read_ruleset(RULES + text)
    assert any(line in f"{error.message} {error.remedy}" for error in caught.value.errors)

"""What becomes of a lead on a sequence at an instant."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from services.router.ruleset_words import words_of
from services.router.sequences.deciding import (
    End,
    Enrolment,
    Start,
    Step,
    View,
    Wait,
    arm_kept,
    arm_of,
    decide_enrolment,
)
from shared.lead_state import ScoreState, Watch

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
# Monday, 2026-06-01, 10:00 UTC.
MONDAY_MS = 1_780_308_000_000
RULES = """
segments: [{id: boss, when: {field: traits.role, eq: boss}}]
models: {e: {rules: [{id: visit, on: page_viewed, points: 1}]}}
stages: {ladder: [{name: low}, {name: high, enter: {e: 5}}]}
sequence_limits: {}
sequences:
  plan:
    audience: {not: {segment: boss}}
    goal: {seen: {on: meeting_booked}}
    exit: {on: email_replied, stage: high}
    again_after: 30d
    arms: {a: 1, b: 3}
    steps:
      - {id: one, day: 1, content: [
          {when: {field: traits.age, gte: 60}, content: {id: old}}, {content: {id: young}}]}
      - {id: two, day: 2, arm: a, content: {content: {id: for-a}}}
      - {id: three, day: 4, late: skip, content: {content: {id: last}}}
  thanks:
    purpose: customer
    steps:
      - {id: survey, day: 0, content: [
          {for: prospects, content: {id: teaser}}, {content: {id: survey}}]}
"""
WORDS = words_of(RULES)
PLAN, THANKS = WORDS.sequences["plan"], WORDS.sequences["thanks"]
ON = Enrolment("lead", MONDAY_MS, MONDAY_MS, 0, MONDAY_MS + DAY_MS, "b")


def view(*happened: int, at_ms: int = MONDAY_MS + 1, **over: Any) -> View:
    """happened: places of tallies of which an event lies at at_ms."""
    traits = over.pop("traits", {})
    watch = Watch(MONDAY_MS, {place: [1, at_ms] for place in happened})
    return View(ScoreState(traits=traits, watch=watch), **over)


def test_it_begins_for_its_audience_and_not_again_too_soon() -> None:
    """The first step is planned for the same time of day."""
    entered = replace(ON, started_ms=None, planned_ms=None, arm="")
    begun = decide_enrolment(PLAN, entered, view(), MONDAY_MS)
    assert isinstance(begun, Start)
    assert begun.planned_ms == begun.due_ms == MONDAY_MS + DAY_MS
    assert decide_enrolment(PLAN, entered, view(traits={"role": "boss"}), MONDAY_MS) == End(
        "not of its audience"
    )
    before = replace(entered, last_ended_ms=MONDAY_MS - 29 * DAY_MS)
    assert decide_enrolment(PLAN, before, view(), MONDAY_MS) == End("was on it before")
    long_ago = replace(entered, last_ended_ms=MONDAY_MS - 30 * DAY_MS)
    assert isinstance(decide_enrolment(PLAN, long_ago, view(), MONDAY_MS), Start)


def test_the_first_choice_that_fits_goes_out() -> None:
    """And the next step is planned by its day."""
    at_ms = MONDAY_MS + DAY_MS
    sent = decide_enrolment(PLAN, ON, view(), at_ms)
    assert isinstance(sent, Step)
    assert sent.choice is not None
    assert (sent.choice.content.id, sent.next_planned_ms) == ("young", MONDAY_MS + 2 * DAY_MS)
    old = decide_enrolment(PLAN, ON, view(traits={"age": 70}), at_ms)
    assert isinstance(old, Step)
    assert old.choice is not None
    assert old.choice.content.id == "old"


def test_a_step_is_not_sent_before_its_time() -> None:
    """Who is resumed, or moved to another version, is looked at at once: and waits on."""
    assert decide_enrolment(PLAN, ON, view(), MONDAY_MS + HOUR_MS) == Wait(MONDAY_MS + DAY_MS)


def test_another_arms_step_is_left_out_and_a_late_one_as_the_step_says() -> None:
    """`skip` leaves it out after the tolerance of a day; that was the last."""
    second = replace(ON, next_step=1, planned_ms=MONDAY_MS + 2 * DAY_MS)
    left = decide_enrolment(PLAN, second, view(), MONDAY_MS + 2 * DAY_MS)
    assert isinstance(left, Step)
    assert (left.choice, left.why) == (None, "another arm")
    third = replace(ON, next_step=2, planned_ms=MONDAY_MS + DAY_MS)
    late = decide_enrolment(PLAN, third, view(), MONDAY_MS + 2 * DAY_MS + 1)
    assert isinstance(late, Step)
    assert (late.choice, late.why, late.next_due_ms) == (None, "late", None)


def test_a_step_that_fell_on_a_weekend_is_not_late() -> None:
    """Hours, that is: what the step waited for beyond them counts."""
    definition = words_of(
        RULES.replace("    again_after: 30d\n", "    again_after: 30d\n    tolerance: 6h\n")
    ).sequences["plan"]
    saturday_ms = MONDAY_MS + 5 * DAY_MS
    on = replace(ON, next_step=2, planned_ms=saturday_ms)
    monday_ms = MONDAY_MS + 7 * DAY_MS
    on_time = decide_enrolment(definition, on, view(), monday_ms)
    assert isinstance(on_time, Step)
    assert on_time.why == ""
    late = decide_enrolment(definition, on, view(), monday_ms + 6 * HOUR_MS)
    assert isinstance(late, Step)
    assert late.why == "late"


def test_a_step_of_another_version_is_planned_by_its_day() -> None:
    """But a day after whatever went to the lead last."""
    moved = replace(ON, next_step=2, planned_ms=None)
    assert decide_enrolment(PLAN, moved, view(), MONDAY_MS) == Wait(MONDAY_MS + 4 * DAY_MS)
    sent_ms = MONDAY_MS + 4 * DAY_MS - HOUR_MS
    lead = view(sent_ms=(sent_ms,))
    waits = decide_enrolment(PLAN, moved, lead, MONDAY_MS + 4 * DAY_MS)
    assert isinstance(waits, Wait)
    assert waits.due_ms >= sent_ms + DAY_MS


def test_an_arm_that_another_version_has_not_is_made_anew() -> None:
    assert arm_kept(PLAN.written, "plan", "x", "a") == "a"
    assert arm_kept(PLAN.written, "plan", "x", "gone") == arm_of(PLAN.written, "plan", "x")
    assert arm_kept(PLAN.written, "plan", "x", "") == arm_of(PLAN.written, "plan", "x")
    assert arm_kept(THANKS.written, "thanks", "x", "a") == ""


@pytest.mark.parametrize(
    ("lead", "why"),
    [
        (view(PLAN.checks.bought), "bought"),
        (view(PLAN.checks.exits), "exit event"),
        (view(stages={"main": "high"}), "stage reached"),
        (view(refused={"email": "marketing_email"}), "marketing_email"),
    ],
)
def test_exits_end_it(lead: View, why: str) -> None:
    """Looked at when a step is due."""
    assert decide_enrolment(PLAN, ON, lead, MONDAY_MS + DAY_MS) == End(why)


def test_a_reply_of_before_the_start_ends_nothing() -> None:
    """Only what came since."""
    earlier = view(PLAN.checks.exits, at_ms=MONDAY_MS - 1)
    assert isinstance(decide_enrolment(PLAN, ON, earlier, MONDAY_MS + DAY_MS), Step)


def test_while_sales_has_the_lead_it_waits() -> None:
    """It is looked at again in an hour."""
    at_ms = MONDAY_MS + DAY_MS
    assert decide_enrolment(PLAN, ON, view(sales_active=True), at_ms) == Wait(at_ms + HOUR_MS)


def test_buyers_never_get_what_is_meant_before_a_purchase() -> None:
    """In a sequence for customers a prospect's choice is passed over, and the other way round."""
    on = replace(ON, planned_ms=MONDAY_MS)
    buyer = decide_enrolment(THANKS, on, view(THANKS.checks.bought), MONDAY_MS)
    assert isinstance(buyer, Step)
    assert buyer.choice is not None
    assert buyer.choice.content.id == "survey"
    prospect = decide_enrolment(THANKS, on, view(), MONDAY_MS)
    assert isinstance(prospect, Step)
    assert prospect.choice is not None
    assert prospect.choice.content.id == "teaser"


def test_arms_are_stable_and_by_weight() -> None:
    """Three quarters of a thousand leads, the same each time."""
    arms = Counter(arm_of(PLAN.written, "plan", f"lead-{number}") for number in range(1000))
    assert 700 < arms["b"] < 800
    assert arm_of(PLAN.written, "plan", "x") == arm_of(PLAN.written, "plan", "x")


CHOOSY = """
personas: [{id: boss, when: {field: traits.role, eq: boss}}]
models: {e: {rules: [{id: visit, on: page_viewed, points: 1}]}}
stages: {ladder: [{name: low}, {name: high, enter: {e: 5}}]}
sequence_limits: {}
sequences:
  plan:
    steps:
      - id: one
        day: 0
        content:
          - {stage: high, content: {id: prices}}
          - {score: {e: 3}, content: {id: calculator}}
          - {interest: [Retirement], content: {id: mistakes}}
          - {when: {persona: boss}, content: {id: for-bosses}}
          - {channel: sms, when: {field: traits.age, exists: true}, content: {id: short}}
          - {when: {field: traits.age, exists: true}, content: {id: long}}
"""
CHOICES = words_of(CHOOSY).sequences["plan"]


@pytest.mark.parametrize(
    ("lead", "content", "why"),
    [
        (view(stages={"main": "high"}, scores={"e": 3}), "prices", ""),
        (view(stages={"main": "low"}, scores={"e": 3}), "calculator", ""),
        (view(scores={"e": 2.9}, interests={"retirement"}), "mistakes", ""),
        (view(traits={"role": "boss"}), "for-bosses", ""),
        (view(traits={"age": 40}), "short", ""),
        (view(traits={"age": 40, "preferred_channel": "email"}), "long", ""),
        (view(traits={"age": 40, "preferred_channel": "fax"}), "short", ""),
        (view(traits={"age": 40}, unaddressed={"sms"}), "long", ""),
        (view(traits={"age": 40, "preferred_channel": "sms"}, unaddressed={"sms"}), "long", ""),
        (view(traits={"age": 40, "preferred_channel": "email"},
              refused={"email": "email_bounced"}), "short", ""),
        (view(traits={"age": 40}, unaddressed={"sms", "email"}), None, "no address"),
        (view(traits={"role": "boss"}, refused={"email": "email_bounced"}), None, "email_bounced"),
        (view(), None, "no content fits"),
    ],
)  # fmt: skip
def test_content_is_chosen_by_what_is_known_of_the_lead(
    lead: View, content: str | None, why: str
) -> None:
    """Stage, score, interest, persona, traits, and the channel that reaches it, or is preferred."""
    over = decide_enrolment(CHOICES, replace(ON, planned_ms=MONDAY_MS), lead, MONDAY_MS)
    assert isinstance(over, Step)
    assert (over.choice.content.id if over.choice else None, over.why) == (content, why)


def test_who_can_be_reached_by_no_channel_that_is_left_leaves() -> None:
    """A mail that bounced ends what goes by mail alone."""
    on = replace(ON, planned_ms=MONDAY_MS)
    refused = {"email": "marketing_email", "sms": "marketing_email"}
    assert decide_enrolment(CHOICES, on, view(refused=refused), MONDAY_MS) == End("marketing_email")

"""What the oracle once found wrong beside the ladder, as the smallest stories."""

from __future__ import annotations

from typing import Any

from services.scorer.core.fold import Extended
from shared.envelope import Event
from tests.unit.scorer.stories import MONDAY, SECOND, event, moves, ruleset, run

MODELS = """
models:
  e:
    rules:
      - {id: visit, on: page_viewed, points: 12}
      - {id: back, on: page_left, points: -4}
"""
QUIET = """
stages:
  ladder: [{name: low}]
  side: [{name: dormant, when: {quiet: {for: 1m}}}]
"""
TWO_SIDES = """
stages:
  ladder:
    - {name: low}
    - {name: high, enter: {e: 5}, handoff: sales}
  side:
    - {name: recycled, on: sales_rejected, leave: {on: demo_requested}}
    - {name: bare, when: {field: traits.size, exists: false}}
"""
NO_LEAVE = """
stages:
  ladder:
    - {name: low}
    - {name: middle, enter: {e: 5}}
    - {name: high, enter: {e: 10}, leave: {e: 9}}
"""


def told(text: str, *events: Event) -> Extended:
    return run(ruleset(MODELS + text), list(events))


def by_hand(second: int, **said: Any) -> Event:
    return event("stage_overridden", MONDAY + second * SECOND, source="operator", properties=said)


def test_the_time_before_an_event_is_read_without_it() -> None:
    """A silence that an event ends has begun a length of time after the event before."""
    made = told(QUIET, event(), event(at_ms=MONDAY + 103 * SECOND))
    assert moves(made) == [("dormant", "time", ""), ("low", "event", "")]
    assert made.changes[0].at_ms == MONDAY + 60 * SECOND


def test_from_one_stage_beside_the_ladder_to_the_next_is_one_move() -> None:
    """It isn't handed to sales for a millisecond in between."""
    made = told(
        TWO_SIDES,
        event("sales_rejected"),
        event("demo_requested", MONDAY + 5 * SECOND),
    )
    assert moves(made) == [("recycled", "event", ""), ("bare", "event", "")]


def test_stages_beside_the_ladder_change_nothing_of_where_a_lead_falls() -> None:
    """A stage without `leave` holds whoever falls onto it, with and without such stages."""
    line = [event(), event("page_left", MONDAY + SECOND)]
    aside = "  side: [{name: out, on: lead_disqualified}]\n"
    plain, rich = told(NO_LEAVE, *line), told(NO_LEAVE + aside, *line)
    assert moves(plain) == moves(rich) == [("high", "event", ""), ("middle", "event", "")]


def test_a_stage_nobody_knows_leaves_the_lock_alone() -> None:
    """What can't be done changes nothing."""
    made = told(
        NO_LEAVE,
        event("other", MONDAY),
        by_hand(1, stage="middle", lock=True),
        by_hand(2, stage="no such stage"),
        event(at_ms=MONDAY + 3 * SECOND),
    )
    assert moves(made) == [("middle", "manual", "")]


def test_who_is_led_back_below_their_scores_rises_by_time() -> None:
    """At the next millisecond, though the points came before and no event does."""
    aside = (
        "  side: [{name: paused, when: {since: {on: form_submitted, within: 20s}}, back_to: low}]\n"
    )
    made = told(NO_LEAVE + aside, event(), event("form_submitted", MONDAY + SECOND))
    assert moves(made) == [("high", "event", ""), ("paused", "event", "")]
    later = told(
        NO_LEAVE + aside,
        event(),
        event("form_submitted", MONDAY + SECOND),
        event("other", MONDAY + 90 * SECOND),
    )
    assert moves(later)[2:] == [("low", "time", ""), ("high", "time", "")]
    assert later.changes[3].at_ms == later.changes[2].at_ms + 1


FROM = """
stages:
  ladder:
    - {name: low}
    - {name: high, enter: {e: 5}}
  side:
    - {name: lost, on: deal_lost, from: high, leave: {after: 1d}}
    - {name: dormant, when: {quiet: {for: 1m}}, from: [low]}
"""


def test_a_stage_beside_the_ladder_may_be_closed_to_other_stages() -> None:
    """By event, and by time."""
    from_low = told(FROM, event("deal_lost"), event("deal_lost", MONDAY + 100 * SECOND))
    assert moves(from_low) == [("dormant", "time", ""), ("low", "event", "")]
    from_high = told(FROM, event(), event("deal_lost", MONDAY + 100 * SECOND))
    assert moves(from_high) == [("high", "event", ""), ("lost", "event", "")]

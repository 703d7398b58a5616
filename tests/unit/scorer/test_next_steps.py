"""What would bring a lead higher, what would not and why, and what time alone does."""

from __future__ import annotations

from typing import Any

import pytest

from services.scorer.core.fold import extend, new_journeys, new_state
from services.scorer.core.next_steps import NextSteps, next_steps
from shared.envelope import Event, Identifiers, instant
from shared.lead_state import encode_journeys, encode_scores
from tests.unit.scorer.stories import DAY, MONDAY, event, ruleset

SARAH = Identifiers(email="sarah@example.com")
RULES = """
models:
  engagement:
    decay: {half_life: 10d}
    cap: 100
    rules:
      - {id: page, on: page_viewed, points: 10}
      - {id: meeting, on: meeting_booked, points: 70, effort: 5}
      - {id: demo, on: demo_requested, points: 70, effort: 4}
      - {id: guide, on: content_downloaded, points: 30, effort: 2}
      - {id: letter, on: newsletter_subscribed, points: 30, limit: once}
      - {id: left, on: email_unsubscribed, points: -60}
      - {id: quiet, after: {quiet: 60d}, points: -5}
      - {id: past, on: webinar_attended, points: 50, valid: {to: 2020-01-01}}
      - {id: thrice, on: video_watched, points: 50,
         when: {count: {on: video_watched, within: 7d, at_least: 3}}}
      - {id: never, on: form_submitted, points: 50, when: {field: type, eq: other}}
      - {id: money, on: purchase_made, points: {field: properties.amount}}
  fit:
    rules:
      - {id: boss, when: {field: traits.title, eq: boss}, points: 5}
stages:
  ladder:
    - {name: inform}
    - {name: educate, enter: {engagement: 30}, leave: {engagement: 20}, dwell: 12d}
    - {name: validate, enter: {engagement: 70}, leave: {engagement: 50}}
"""
PAST = (
    event("newsletter_subscribed", MONDAY),
    event("lead_identified", MONDAY, traits={"title": "boss"}),
)


def found_for(
    rules: str, past: tuple[Event, ...], now_ms: int = MONDAY + 1000, **asked: Any
) -> NextSteps:
    """The next steps of a lead, which stays as it was."""
    compiled = ruleset(rules)
    state, journeys = new_state(), new_journeys(compiled, MONDAY)
    extend(compiled, state, journeys, past, True)
    before = encode_scores(state), encode_journeys(journeys)
    found = next_steps(compiled, state, journeys, now_ms, True, SARAH, **asked)
    assert (encode_scores(state), encode_journeys(journeys)) == before
    return found


def ids(found: NextSteps) -> list[tuple[str, str]]:
    return [(step.rule.document.id, step.to_stage) for step in found.steps]


def whys(found: NextSteps) -> dict[str, str]:
    return {one.rule.document.id: one.why for one in found.others}


def by_hand(at_ms: int, **said: Any) -> Event:
    return event("stage_overridden", at_ms, source="operator", properties=said)


def test_steps_are_ranked_by_effort_and_say_where_they_lead() -> None:
    """Those of the same effort in the order of the ruleset; each is one event at this instant."""
    found = found_for(RULES, PAST)
    assert (found.stage, found.at_ms) == ("educate", MONDAY + 1000)
    assert ids(found) == [("demo", "validate"), ("meeting", "validate")]
    assert [step.at_ms for step in found.steps] == [found.at_ms, found.at_ms]
    assert found.steps[0].entry is not None
    assert found.steps[0].entry.points == 70


def test_each_other_rule_says_why_it_does_not_help() -> None:
    """Limits, silences, dates, counts, contradictions and all."""
    assert whys(found_for(RULES, PAST)) == {
        "page": "not_enough",
        "guide": "not_enough",
        "letter": "limit",
        "left": "takes_points",
        "quiet": "silence",
        "past": "not_valid",
        "thrice": "not_by_one_event",
        "never": "no_witness",
        "money": "no_points",
        "boss": "holds_already",
    }


def test_the_same_event_helps_or_not_by_what_the_lead_has_left() -> None:
    """From nothing a guide suffices for the second stage."""
    fresh = found_for(RULES, (event("lead_identified", MONDAY),))
    assert ids(fresh) == [
        ("guide", "educate"), ("letter", "educate"), ("demo", "validate"), ("meeting", "validate"),
    ]  # fmt: skip


def test_what_a_cap_leaves_nothing_of_does_not_help() -> None:
    """A model at its cap; and a floor under it."""
    rules = """
models:
  m:
    cap: 10
    floor: 0
    rules:
      - {id: visit, on: page_viewed, points: 10}
      - {id: left, on: email_unsubscribed, points: -10}
stages: {ladder: [{name: low}, {name: high, enter: {m: 8}, leave: {m: 4}}]}
"""
    assert whys(found_for(rules, (event(at_ms=MONDAY),)))["visit"] == "cap"
    assert whys(found_for(rules, (event("a", MONDAY),)))["left"] == "floor"


def test_if_nothing_happens_the_lead_falls_when_its_dwell_is_over() -> None:
    """30 points are below 20 after six days; the stage holds for twelve."""
    found = found_for(RULES, PAST)
    assert found.by_time is not None
    assert (found.by_time.from_stage, found.by_time.to_stage) == ("educate", "inform")
    assert found.by_time.at_ms == MONDAY + 12 * DAY
    assert found_for(RULES, (event("a", MONDAY),)).by_time is None


def test_a_fall_comes_after_what_time_takes_before_it() -> None:
    """Points that a silence takes, without a move, and then the fade: both are walked."""
    rules = """
models:
  m:
    rules:
      - {id: visit, on: page_viewed, points: 50}
      - {id: month, after: {quiet: 30d}, points: -10}
      - {id: active, when: {since: {on: page_viewed, within: 45d}}, points: 5}
stages: {ladder: [{name: low}, {name: high, enter: {m: 50}, leave: {m: 44}}]}
"""
    found = found_for(rules, (event(at_ms=MONDAY),))
    assert found.by_time is not None
    assert (found.by_time.to_stage, found.by_time.at_ms) == ("low", MONDAY + 45 * DAY)


def test_a_stage_locked_by_hand_moves_when_the_lock_ends() -> None:
    """A step then says the instant at which the ladder is read again; a lock for good has none."""
    ends = MONDAY + 5 * DAY
    locked = by_hand(MONDAY + 1, stage="inform", lock=True, until=instant(ends).isoformat())
    found = found_for(RULES, (event("a", MONDAY), locked))
    assert found.locked_ms == ends
    assert [(one.rule.document.id, one.to_stage, one.at_ms) for one in found.steps] == [
        ("demo", "educate", ends), ("meeting", "educate", ends),
    ]  # fmt: skip
    assert whys(found)["guide"] == "locked"
    for_good = found_for(
        RULES, (event("a", MONDAY), by_hand(MONDAY + 1, stage="inform", lock=True))
    )
    assert (for_good.locked_ms, for_good.steps, for_good.by_time) == (0, [], None)
    assert whys(for_good)["demo"] == "locked"


def test_without_consent_to_scoring_no_rule_helps() -> None:
    """Of events as of traits."""
    asked = event("lead_identified", MONDAY, consent={"scoring": "denied"})
    found = found_for(RULES, (asked,))
    assert found.steps == []
    why = whys(found)
    assert {why[rule] for rule in ("page", "demo", "letter", "left", "boss")} == {"no_consent"}


def test_what_time_does_anyway_is_no_step() -> None:
    """A lead comes back from beside the ladder by itself, and no event brings it higher then."""
    rules = """
models:
  m: {rules: [{id: visit, on: page_viewed, points: 10}, {id: demo, on: demo_requested, points: 50}]}
stages:
  ladder: [{name: low}, {name: high, enter: {m: 50}}]
  side: [{name: rest, on: sales_rejected, leave: {after: 30d}}]
"""
    found = found_for(rules, (event("sales_rejected", MONDAY),))
    assert found.by_time is not None
    assert (found.by_time.to_stage, found.by_time.at_ms) == ("low", MONDAY + 30 * DAY)
    assert [(one.rule.document.id, one.to_stage, one.at_ms) for one in found.steps] == [
        ("demo", "high", MONDAY + 30 * DAY)
    ]
    assert whys(found) == {"visit": "not_enough"}


@pytest.mark.parametrize(
    "given", ["after: {quiet: 7d}", "when: {quiet: {for: 7d}}", "when: {not: {quiet: {for: 7d}}}"]
)
def test_what_time_adds_to_an_event_makes_a_step_of_later(given: str) -> None:
    """A visit alone doesn't suffice, nor does time, which gives points, or takes a loss back."""
    points = -5 if "not" in given else 5
    rules = f"""
models:
  m:
    rules:
      - {{id: visit, on: page_viewed, points: {6 if points < 0 else 1}}}
      - {{id: week, {given}, points: {points}}}
stages: {{ladder: [{{name: low}}, {{name: high, enter: {{m: 6}}}}]}}
"""
    found = found_for(rules, (event("a", MONDAY),))
    assert [(one.rule.document.id, one.at_ms) for one in found.steps] == [
        ("visit", found.at_ms + 7 * DAY)
    ]
    assert found.by_time is None


def test_a_move_to_a_lower_stage_or_beside_the_ladder_is_told() -> None:
    """It doesn't help, and where it leads is said."""
    rules = """
models:
  m: {rules: [{id: visit, on: page_viewed, points: 10}, {id: sorry, on: gone, points: 1},
              {id: left, on: email_unsubscribed, points: -10}]}
stages:
  ladder: [{name: low}, {name: high, enter: {m: 10}, leave: {m: 5}}]
  side: [{name: lost, on: gone}]
"""
    found = found_for(rules, (event(at_ms=MONDAY),))
    told = {one.rule.document.id: (one.why, one.to_stage) for one in found.others}
    assert told["sorry"] == ("moves_elsewhere", "lost")
    assert told["left"] == ("moves_elsewhere", "low")


def test_a_journey_that_has_not_begun_may_begin() -> None:
    """Then every stage is a higher one."""
    rules = """
models:
  m: {rules: [{id: bought, on: purchase_made, points: 1}, {id: visit, on: page_viewed, points: 1}]}
stages: {ladder: [{name: low}]}
journeys:
  renewal: {when: {seen: {on: purchase_made}}, ladder: [{name: safe}, {name: risk, enter: {m: 9}}]}
"""
    found = found_for(rules, (event("a", MONDAY),), journey="renewal")
    assert found.stage is None
    assert ids(found) == [("bought", "safe")]
    with pytest.raises(KeyError):
        found_for(rules, (event("a", MONDAY),), journey="unheard of")


def test_now_is_never_before_what_is_known() -> None:
    """A lead whose newest event lies ahead is asked for the ms after it."""
    assert found_for(RULES, PAST, now_ms=MONDAY - DAY).at_ms == MONDAY + 1


def test_moves_that_time_has_brought_by_now_are_made_first() -> None:
    """Whether the scorer has seen to them or not."""
    found = found_for(RULES, PAST, now_ms=MONDAY + 40 * DAY)
    assert (found.stage, found.by_time) == ("inform", None)


def test_a_lead_on_which_time_acts_too_often_is_not_followed_for_ever() -> None:
    """It is said so, and not that the rule doesn't help."""
    rules = """
models:
  m:
    decay: {half_life: 1d}
    rules:
      - {id: visit, on: page_viewed, points: 1}
      - {id: click, on: link_clicked, points: 1}
      - {id: hour, when: {quiet: {for: 1h}}, points: 1}
      - {id: day, when: {quiet: {for: 1d}}, points: 1}
stages: {ladder: [{name: low}, {name: high, enter: {m: 3}}]}
"""
    past = (event("a", MONDAY),)
    assert whys(found_for(rules, past))["click"] == "not_enough"
    followed = whys(found_for(rules, past, most_acts=4))
    assert (followed["visit"], followed["click"]) == ("not_enough", "not_followed")

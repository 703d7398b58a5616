"""Scenarios: what they play, and that they tell what came out otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from services.scorer.scenario_report import told
from services.scorer.scenarios import Result, begin_ms, run_scenarios, story_of
from shared.envelope import milliseconds
from shared.ruleset.reading import RulesetErrors, read_ruleset
from shared.ruleset.scenarios import Scenario

RULES = """
models:
  engagement:
    decay: {half_life: 30d}
    cap: 100
    rules:
      - {id: visit, on: page_viewed, points: 10, limit: {times: 2, per: day}}
      - {id: demo, on: demo_requested, points: 80}
      - {id: silence, after: {quiet: 20d}, points: -5}
  fit:
    rules:
      - {id: chief, when: {field: traits.title, eq: chief}, points: 60}
grade:
  fit: fit
  engagement: engagement
  fit_bounds: {A: 50, B: 20}
  engagement_bounds: {1: 50, 2: 20}
bands:
  engagement: [{name: cold}, {name: hot, from: 50}]
stages:
  ladder:
    - name: inform
    - {name: validate, enter: {engagement: 50}, leave: {engagement: 20}, handoff: sales}
"""
DAY = 86_400_000
HOUR = DAY // 24


def play(*scenarios: dict[str, Any]) -> list[Result]:
    """Run scenarios, named t1, t2, …, on the rules above."""
    tests = [{"name": f"t{n}", **scenario} for n, scenario in enumerate(scenarios, 1)]
    return run_scenarios(read_ruleset(RULES + yaml.safe_dump({"tests": tests})))


def differing(events: list[dict[str, Any]], expect: Any, **more: Any) -> list[tuple[str, str, str]]:
    """(what, expected, got) of everything that differs."""
    (result,) = play({"events": events, "expect": expect, **more})
    return [(one.what, one.expected, one.got) for one in result.differences]


VISIT = {"day": 0, "type": "page_viewed"}
DEMO = {"day": 0, "type": "demo_requested"}


@pytest.mark.parametrize(
    ("expect", "told_so"),
    [
        ({"score": {"engagement": 80}}, []),
        ({"score": {"engagement": 79.99}}, [("score of engagement", "79.99", "80")]),
        ({"score": {"engagement": {"from": 70}, "fit": 0}}, []),
        ({"score": {"engagement": {"to": 70}}}, [("score of engagement", "at most 70", "80")]),
        ({"stage": "validate"}, []),
        ({"stage": {"main": "inform"}}, [("stage", "inform", "validate")]),
        ({"handoff": "sales"}, []),
        ({"handoff": {"sales": 2}}, [("hand-offs to sales", "2", "1")]),
        ({"handoff": "none"}, [("hand-offs to sales", "0", "1")]),
        ({"handoff": "content"}, [("hand-offs to content", "one at least", "0")]),
        ({"grade": "C1"}, []),
        ({"grade": "A1"}, [("grade", "A1", "C1")]),
        ({"band": {"engagement": "hot"}}, []),
        ({"band": {"engagement": "cold"}}, [("band of engagement", "cold", "hot")]),
    ],
)
def test_an_expectation_holds_or_tells_what_came_out(expect: Any, told_so: list[Any]) -> None:
    """One key after the other, of a lead that asked for a demo."""
    assert differing([DEMO], expect) == told_so


def test_scores_are_compared_as_they_are_shown() -> None:
    """To two digits: 80 points after a day are 78.1727."""
    assert differing([DEMO], {"day": 1, "score": {"engagement": 78.17}}) == []
    assert differing([DEMO], {"day": 1, "score": {"engagement": 78.16}}) != []


def test_events_of_a_day_follow_each_other() -> None:
    """09:00 where no hour is given, a minute after the one before on the same day; repeated ones
    a minute or `every` apart.
    """
    scenario = Scenario.model_validate({
        "name": "order",
        "begin": "2026-03-02",
        "events": [
            {"day": 0, "type": "a"},
            {"day": 0, "type": "b", "times": 2},
            {"day": 0, "type": "c", "hour": 10.5, "times": 2, "every": "1d"},
            {"day": 1, "type": "d"},
            {"day": 2, "type": "e"},
        ],
        "expect": {"stage": "inform"},
    })  # fmt: skip
    begin = begin_ms(scenario)
    at = [(e.type, (milliseconds(e.occurred_at) - begin) / HOUR) for e in story_of(scenario)]
    assert [type_ for type_, _ in at] == ["a", "b", "b", "c", "c", "d", "e"]
    assert [round(hour * 60) for _, hour in at] == [540, 541, 542, 630, 2070, 2071, 3420]


def test_a_day_is_read_after_its_events_and_the_end_after_all() -> None:
    """Without an hour; with one at that hour."""
    events = [VISIT, {**VISIT, "day": 1}]
    assert differing(events, [
        {"day": 0, "hour": 8, "score": {"engagement": 0}},
        {"day": 0, "score": {"engagement": 10}},
        {"score": {"engagement": {"from": 19.7, "to": 19.8}}},
        {"day": 1, "hour": 8.9, "score": {"engagement": {"to": 9.8}}},
    ]) == []  # fmt: skip


def test_hand_offs_are_counted_since_the_expectation_before() -> None:
    """Whatever order they are written in."""
    assert differing([DEMO], [{"day": 3, "handoff": "none"}, {"day": 0, "handoff": "sales"}]) == []


def test_a_hand_off_of_an_anonymous_lead_is_not_made() -> None:
    """It waits for a name."""
    lead = {"anonymous_id": "b1"}
    assert differing([DEMO], {"stage": "validate", "handoff": "none"}, lead=lead) == []


def test_traits_of_the_lead_come_with_the_first_event() -> None:
    """And a robot's event brings nothing."""
    lead = {"email": "a@example.com", "traits": {"title": "chief"}}
    assert differing([VISIT], {"score": {"fit": 60}}, lead=lead) == []
    assert differing([{**VISIT, "bot": True}], {"score": {"fit": 0}}, lead=lead) == []


def test_the_example_of_the_page_holds() -> None:
    """docs/rulesets.md shows a ruleset with a story."""
    page = (Path(__file__).parents[3] / "docs" / "rulesets.md").read_text(encoding="utf-8")
    example = page.partition("```yaml scenario\n")[2].partition("```")[0]
    (result,) = run_scenarios(read_ruleset(example))
    assert result.differences == []


def test_time_alone_acts() -> None:
    """Points of a silence are granted, stages left, without an event."""
    assert differing([DEMO], [
        {"day": 20, "score": {"engagement": {"from": 45, "to": 45.5}}, "stage": "validate"},
        {"day": 70, "stage": "inform"},
    ]) == []  # fmt: skip


def test_a_failure_is_told_with_the_entries_that_made_the_score() -> None:
    """Day and hour, what was expected, and where the points came from."""
    results = play(
        {"events": [DEMO], "expect": {"day": 21, "score": {"engagement": 80}}},
        {"events": [VISIT], "expect": {"score": {"engagement": 10}}},
    )
    lines = "\n".join(told(results, verbose=False))
    assert "FAILED  t1\n    day 21 09:00: score of engagement: expected 80, got 44.3" in lines
    assert "day 0 09:00  +80 engagement/demo, demo_requested" in lines
    assert "day 0 09:00  inform → validate by event, handed to sales" in lines
    assert "day 20 09:00  -5 engagement/silence, time" in lines
    assert "ok      t2" in lines
    assert "visit" not in lines
    assert "+10 engagement/visit" in "\n".join(told(results, verbose=True))


@pytest.mark.parametrize(
    ("change", "path", "remedy"),
    [
        ({"expect": {"score": {"engagment": 1}}}, "expect[0].score.engagment", "engagement?"),
        ({"expect": {"stage": "informed"}}, "expect[0].stage", "did you mean inform?"),
        ({"expect": {"stage": {"renewal": "x"}}}, "expect[0].stage", "journeys: main"),
        ({"expect": {"grade": "D1"}}, "expect[0].grade", "A1 to C3"),
        ({"expect": {"band": {"fit": "x"}}}, "expect[0].band.fit", "bands:"),
        ({"expect": {"band": {"engagement": "hut"}}}, "expect[0].band.engagement", "hot?"),
        ({"expect": {"persona": "boss"}}, "expect[0].persona", "personas: none"),
        ({"expect": {"segment": "big"}}, "expect[0].segment", "segments: none"),
        ({"expect": {"day": 1}}, "expect[0]", "add score:"),
        ({"expect": {"hour": 1, "stage": "inform"}}, "expect[0]", "add day:"),
        ({"expect": {"score": {"engagement": {}}}}, "score.engagement", "{from: 40, to: 60}"),
        ({"begin": "2026-02-30"}, "tests[0]", "YEAR-MONTH-DAY"),
        ({"events": [{**VISIT, "times": 999}, VISIT, VISIT]}, "tests[0]", "lower times"),
        ({"events": [{**VISIT, "kind": "x"}]}, "events[0].kind", "known here: day, hour, type"),
    ],
)
def test_a_scenario_that_can_not_be_is_refused(change: Any, path: str, remedy: str) -> None:
    """With its line, where it is, and how to mend it."""
    with pytest.raises(RulesetErrors) as caught:
        play({"events": [VISIT], "expect": {"stage": "inform"}, **change})
    (error,) = caught.value.errors
    assert path in error.path
    assert remedy in str(error)
    assert error.line > RULES.count("\n")


def test_a_fault_in_a_single_expectation_names_its_own_line() -> None:
    """It may stand in place of a list of one."""
    story = (
        "tests:\n- name: t\n  events: [{type: a}]\n  expect:\n    stage: inform\n    grade: D1\n"
    )
    with pytest.raises(RulesetErrors) as caught:
        read_ruleset(RULES + story)
    (error,) = caught.value.errors
    assert (error.line, error.column) == ((RULES + story).count("\n"), 5)

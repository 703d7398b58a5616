"""Groups, caps per period, floors, validity, and points that a field or a table decides."""

from __future__ import annotations

import pytest

from shared.decay import score_at
from tests.unit.scorer.stories import DAY, HOUR, MONDAY, event, granted, ruleset, run

GROUPED = """
models:
  e:
    cap: 100
    cap_per: {day: 50}
    decay: {half_life: 10d}
    groups:
      mail: {cap: 30, cap_per: {day: 25}}
    rules:
      - {id: click, on: email_clicked, points: 20, group: mail}
      - {id: visit, on: page_viewed, points: 40}
"""


def test_the_narrowest_bound_cuts_and_is_named() -> None:
    """The group's day, then the group, then the model's day: each where it leaves the least."""
    rules = ruleset(GROUPED)
    out = run(
        rules,
        [
            event("email_clicked", MONDAY),
            event("email_clicked", MONDAY + 1),
            event("page_viewed", MONDAY + 2),
            event("page_viewed", MONDAY + 3),
            event("email_clicked", MONDAY + DAY),
        ],
    )
    assert granted(rules, out) == [
        [("e/click", 20, "")],
        [("e/click", 5, "group cap per day")],
        [("e/visit", 25, "cap per day")],
        [("e/visit", 0, "cap per day")],
        [("e/click", pytest.approx(30 - 25 * 2**-0.1, abs=1e-5), "group cap")],
    ]
    assert score_at(out.state.models["e"], MONDAY + DAY) == pytest.approx(30 + 25 * 2**-0.1)


def test_the_cap_holds_where_there_are_groups_and_periods() -> None:
    """It leaves less than they do."""
    rules = ruleset(GROUPED.replace("cap: 100", "cap: 24"))
    out = run(rules, [event("email_clicked", MONDAY), event("page_viewed", MONDAY)])
    assert granted(rules, out) == [[("e/click", 20, "")], [("e/visit", 4, "cap")]]


def test_the_floor_cuts_what_is_taken() -> None:
    """Below the floor nothing more is taken, and an entry says so."""
    rules = ruleset(
        """
models:
  e:
    floor: 0
    rules:
      - {id: visit, on: page_viewed, points: 10}
      - {id: gone, on: email_unsubscribed, points: -15}
"""
    )
    kinds = ["page_viewed", "email_unsubscribed", "email_unsubscribed"]
    out = run(rules, [event(kind, MONDAY + n) for n, kind in enumerate(kinds)])
    assert granted(rules, out) == [
        [("e/visit", 10, "")],
        [("e/gone", -10, "floor")],
        [("e/gone", 0, "floor")],
    ]


def test_a_rule_counts_while_it_is_valid() -> None:
    """From its first instant, up to but without its last one."""
    rules = ruleset(
        """
models:
  e:
    rules:
      - id: visit
        on: page_viewed
        points: 5
        valid: {from: 2026-06-01, to: "2026-06-02T02:00:00+02:00"}
"""
    )
    at = [MONDAY - 1, MONDAY, MONDAY + DAY - 1, MONDAY + DAY]
    assert [len(each) for each in run(rules, [event(at_ms=ms) for ms in at]).entries] == [
        0,
        1,
        1,
        0,
    ]


def test_points_come_from_a_field() -> None:
    """A number multiplied and kept between bounds; a text that is one counts; else the default."""
    rules = ruleset(
        """
models:
  e:
    rules:
      - id: order
        on: purchased
        points: {field: properties.amount, times: 0.1, min: 1, max: 50, default: 2}
"""
    )
    amounts = [100, "90", 3, 10_000, None, "much"]
    events = [
        event("purchased", MONDAY + n, properties={"amount": amount})
        for n, amount in enumerate(amounts)
    ]
    points = [entries[0].points for entries in run(rules, events).entries]
    assert points == [10, 9, 1, 50, 2, 2]


def test_points_of_a_trait_follow_the_trait() -> None:
    """While it holds, another value takes the old points back and gives the new ones."""
    rules = ruleset(
        """
models:
  fit:
    rules:
      - id: senior
        when: {field: traits.seniority, exists: true}
        points: {table: traits.seniority, values: {Chief: 20, head: 10}}
"""
    )
    titles = ["head", "CHIEF", "chief", "clerk", "head", None]
    events = [event(at_ms=MONDAY + n, traits={"seniority": t}) for n, t in enumerate(titles)]
    assert granted(rules, run(rules, events)) == [
        [("fit/senior", 10, "")],
        [("fit/senior", -10, "taken back"), ("fit/senior", 20, "")],
        [],
        [("fit/senior", -20, "taken back")],
        [("fit/senior", 10, "")],
        [("fit/senior", -10, "taken back")],
    ]


def test_points_fade_by_window_and_line() -> None:
    """Whole for the window and then nothing; evenly down to nothing, within a step of 1/256."""
    rules = ruleset(
        """
models:
  w:
    decay: {window: 256h}
    rules: [{id: visit, on: page_viewed, points: 10}]
  l:
    decay: {linear: {to_zero_in: 256h}}
    rules: [{id: visit, on: page_viewed, points: 10}]
"""
    )
    models = run(rules, [event(at_ms=MONDAY), event(at_ms=MONDAY + 1, id="b")]).state.models
    whole, line = models["w"], models["l"]
    assert score_at(whole, MONDAY + 257 * HOUR - 1) == 20
    assert score_at(whole, MONDAY + 257 * HOUR) == 0
    assert score_at(line, MONDAY + HOUR) == 20
    assert score_at(line, MONDAY + 129 * HOUR) == pytest.approx(10)
    assert score_at(line, MONDAY + 257 * HOUR) == 0
    assert whole.more is not None
    assert [len(kept) for kept in whole.more.parts[""].windows.values()] == [1]

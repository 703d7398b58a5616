"""Rows of the hand-off table: when they come to hold, by events and by time."""

from __future__ import annotations

from typing import Any

from services.scorer.core.fold import Extended, advance
from services.scorer.core.moves import settle
from shared.envelope import Event
from shared.facts import StageChange
from tests.unit.scorer.stories import MONDAY, SECOND, event, ruleset, run

DAY = 86_400 * SECOND
BASE = """
segments:
  - {id: large, when: {field: traits.employees, gte: 100}}
models:
  e:
    decay: {half_life: 1d}
    rules:
      - {id: visit, on: page_viewed, points: 12}
      - {id: back, on: page_left, points: -4}
  fit:
    rules:
      - {id: chief, when: {field: traits.role, eq: chief}, points: 30}
grade: {fit: fit, engagement: e, fit_bounds: {A: 30, B: 10}, engagement_bounds: {1: 20, 2: 10}}
bands: {e: [{name: cold}, {name: warm, from: 10}, {name: hot, from: 20}]}
stages:
  ladder:
    - {name: low}
    - {name: high, enter: {e: 30}, leave: {e: 5}}
"""


def told(rows: str, *events: Event) -> Extended:
    return run(ruleset(BASE + "handoffs:\n" + rows), list(events))


def rows_told(changes: list[StageChange]) -> list[tuple[tuple[str, ...], int]]:
    """(rows, seconds since Monday) of each change that is told."""
    return [(tuple(one.rows), (one.at_ms - MONDAY) // SECOND) for one in changes if one.seq]


def at(day: float, type_: str = "page_viewed", **over: Any) -> Event:
    return event(type_, MONDAY + int(day * DAY), **over)


HOT = "  - {id: hot-lead, band: {model: e, name: hot}, do: {handoff: sales}}\n"


def test_a_band_is_told_when_it_is_reached_and_hands_the_lead_over() -> None:
    """By the event that lifts the score; the way back is silent, and takes no number."""
    made = told(HOT, at(0), at(0.001), at(30), at(30.001))
    assert rows_told(made.changes) == [(("hot-lead",), 86), (("hot-lead",), 30 * 86400 + 86)]
    first, again = [one for one in made.changes if one.seq]
    assert (first.seq, first.journey, first.handoff, first.episode) == (
        1, "band:hot-lead", "sales", 1,
    )  # fmt: skip
    assert (again.seq, again.handoff, again.episode) == (2, "sales", 2)


def test_at_the_edge_of_a_band_a_lead_is_told_of_once_a_day() -> None:
    """Up and down within a day is one time; again_after sets another length."""
    to_and_fro = [at(0), at(0.001), at(0.1, "page_left"), at(0.101, "page_left"), at(0.2)]
    assert len(rows_told(told(HOT, *to_and_fro).changes)) == 1
    short = HOT.replace("do:", "again_after: 1m, do:")
    assert len(rows_told(told(short, *to_and_fro).changes)) == 2


def test_a_row_on_a_grade_asks_for_that_or_better_in_both() -> None:
    """B2: at least B by fit, and at least 2 by engagement."""
    row = "  - {id: good, grade: B2, do: {alert: true}}\n"
    assert rows_told(told(row, at(0), at(0.001)).changes) == []
    made = told(row, at(0, traits={"role": "chief"}), at(0.001))
    assert rows_told(made.changes) == [(("good",), 0)]


def test_a_segment_is_told_when_it_is_entered() -> None:
    """And again after it was left."""
    row = "  - {id: big, segment: large, do: {tag: big}}\n"
    sizes = [50, 200, 300, 20, 500]
    made = told(row, *[at(n, traits={"employees": size}) for n, size in enumerate(sizes)])
    assert rows_told(made.changes) == [(("big",), 86400), (("big",), 4 * 86400)]


PRICES = """
  - id: back-at-the-prices
    signal: {on: page_viewed, event_when: {field: context.page.path, glob: "/prices*"},
             after_silence: 60d}
    do: {handoff: sales}
"""


def prices(day: float) -> Event:
    return at(day, context={"page": {"path": "/prices"}})


def test_a_dormant_lead_that_looks_at_the_prices_gives_a_signal() -> None:
    """At once, or within a day of coming back; somebody who was here all along doesn't."""
    assert rows_told(told(PRICES, at(0), prices(10), prices(40)).changes) == []
    assert rows_told(told(PRICES, at(0), prices(61)).changes) == [
        (("back-at-the-prices",), 61 * 86400)
    ]
    assert rows_told(told(PRICES, at(0), at(61), prices(61.5)).changes) == [
        (("back-at-the-prices",), int(61.5 * 86400))
    ]
    assert rows_told(told(PRICES, at(0), at(61), prices(63)).changes) == []


def test_what_others_do_wakes_nobody() -> None:
    """A lead that gets a mail each week, and is rejected by sales, has been away all the same."""
    mails = [at(day, "email_delivered") for day in range(7, 61, 7)]
    silence = told(PRICES, at(0), *mails, at(60, "sales_rejected"), prices(61))
    assert rows_told(silence.changes) == [(("back-at-the-prices",), 61 * 86400)]
    opened = told(PRICES, at(0), *mails, at(59, "email_opened"), prices(61))
    assert rows_told(opened.changes) == []


def test_a_signal_counts_once_in_a_while() -> None:
    """The same day's further visits are the same signal; after another silence it is a new one."""
    made = told(PRICES, at(0), prices(61), prices(61.2), prices(62.5), prices(130))
    assert [seconds // 86400 for _, seconds in rows_told(made.changes)] == [61, 130]
    assert [one.episode for one in made.changes if one.seq] == [1, 2]  # each is handed over


def test_a_row_on_a_stage_may_ask_for_more() -> None:
    """It stands in the change that enters the stage, if its condition holds then."""
    row = "  - {id: vip, stage: high, when: {segment: large}, do: {handoff: sales, tag: vip}}\n"
    three = [at(0), at(0.001), at(0.002)]
    plain = told(row, *three)
    assert [(one.to_stage, one.rows, one.handoff) for one in plain.changes] == [("high", [], None)]
    large = told(row, at(0, traits={"employees": 500}), *three[1:])
    assert [(one.to_stage, one.rows, one.handoff) for one in large.changes] == [
        ("high", ["vip"], "sales")
    ]


def test_numbers_of_told_changes_have_no_gaps() -> None:
    """Whatever moves in silence between them."""
    made = told(
        HOT + PRICES, at(0), at(0.001), at(0.002), at(50), prices(120), at(120.1), at(200), at(201)
    )
    numbers = [one.seq for one in made.changes if one.seq]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 4


def test_what_a_recalculation_finds_is_withheld() -> None:
    """A new row that holds of a lead already hands it to nobody, and nothing follows."""
    plain = ruleset(BASE)
    made = run(plain, [at(0), at(0.001)])
    with_row = ruleset(BASE + "handoffs:\n" + HOT)
    settled = settle(
        with_row, made.state, made.journeys, MONDAY + 90 * SECOND, "recalculation", True, False
    )
    (change,) = [one for one in settled.changes if one.seq]
    assert (change.rows, change.withheld, change.handoff) == (["hot-lead"], True, "sales")


def test_time_ends_a_band_without_a_word() -> None:
    """The score fades out of the band: the journey knows, nobody is told."""
    rules = ruleset(BASE + "handoffs:\n" + HOT)
    made = run(rules, [at(0), at(0.001)])
    later = advance(rules, made.state, made.journeys, MONDAY + 20 * DAY, True)
    assert [one.to_stage for one in later.changes] == ["out"]
    assert rows_told(later.changes) == []


def test_an_anonymous_lead_waits_until_it_is_known() -> None:
    """As with a stage."""
    made = run(ruleset(BASE + "handoffs:\n" + HOT), [at(0), at(0.001)], known=False)
    (change,) = [one for one in made.changes if one.seq]
    assert (change.waiting, change.handoff) == (True, "sales")

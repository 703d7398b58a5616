"""Points per event: limits, caps, decay and trait rules."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.scorer.core.compile_rule import _PERIODS
from services.scorer.core.fold import Extended, extend, fold_scores, new_journeys, new_state
from services.scorer.core.granting import MAX_TRAITS, month_of
from shared.decay import score_at
from shared.envelope import EPOCH, milliseconds
from shared.lead_state import decode_scores, encode_scores
from tests.unit.scorer.stories import DAY, HOUR, MONDAY, SECOND, event, granted, ruleset, run

CAPPED = """
models:
  e:
    decay: {half_life: 30d}
    cap: 50
    rules:
      - {id: visit, on: page_viewed, points: 20}
      - {id: gone, on: email_unsubscribed, points: -15}
"""


def earned(out: Extended) -> list[int]:
    """How many entries of each event gave points."""
    return [sum(1 for entry in entries if entry.points) for entries in out.entries]


def test_the_cap_cuts_what_an_event_adds_at_its_moment() -> None:
    """The third visit at once gets the rest, the fourth nothing; room again after a half-life."""
    rules = ruleset(CAPPED)
    at = [MONDAY, MONDAY, MONDAY, MONDAY, MONDAY + 30 * DAY]
    out = run(rules, [event(at_ms=ms, id=str(n)) for n, ms in enumerate(at)])
    full, cut = ("e/visit", 20.0, ""), ("e/visit", 10.0, "cap")
    none = ("e/visit", 0.0, "cap")
    assert granted(rules, out) == [[full], [full], [cut], [none], [full]]
    assert score_at(out.state.models["e"], MONDAY + 30 * DAY) == pytest.approx(45)


def test_negative_points_are_never_cut() -> None:
    """Points below zero count in full, whatever the cap and however low the score."""
    rules = ruleset(CAPPED)
    out = run(rules, [event("email_unsubscribed", MONDAY + n) for n in range(3)])
    assert score_at(out.state.models["e"], MONDAY + 2) == pytest.approx(-45)


def test_entries_decayed_sum_to_the_score() -> None:
    """The promise of the ledger, over years, with a reference instant that moves on."""
    rules = ruleset(CAPPED.replace("cap: 50", "").replace("30d", "1d"))
    events = [event(at_ms=MONDAY + n * 37 * HOUR) for n in range(700)]
    out = run(rules, events)
    at_ms = MONDAY + 700 * 37 * HOUR
    total = sum(
        entry.points * 0.5 ** ((at_ms - milliseconds(one.occurred_at)) / DAY)
        for one, entries in zip(events, out.entries, strict=True)
        for entry in entries
    )
    assert score_at(out.state.models["e"], at_ms) == pytest.approx(total, rel=1e-12)


def test_a_sleeper_of_many_years_scores_anew() -> None:
    """After thousands of half-lives nothing overflows, and old points are nothing."""
    rules = ruleset(CAPPED.replace("30d", "1s"))
    out = run(rules, [event(at_ms=MONDAY), event(at_ms=MONDAY + 9000 * DAY)])
    assert score_at(out.state.models["e"], MONDAY + 9000 * DAY) == 20
    assert score_at(out.state.models["e"], 0) < float("inf")


def test_a_limit_counts_per_calendar_period() -> None:
    """Twice a day: the third on Monday earns nothing, midnight UTC begins anew."""
    rules = ruleset(
        """
models:
  e:
    rules: [{id: visit, on: page_viewed, points: 5, limit: {times: 2, per: day}}]
"""
    )
    at = [MONDAY, MONDAY + HOUR, MONDAY + DAY - 1, MONDAY + DAY]
    out = run(rules, [event(at_ms=ms) for ms in at])
    assert earned(out) == [1, 1, 0, 1]


def test_once_per_field_takes_each_value_once() -> None:
    """Each page once a week, at most two pages; a missing value is one value of its own."""
    rules = ruleset(
        """
models:
  e:
    rules:
      - id: visit
        on: page_viewed
        points: 5
        limit: {once_per: context.page.path, times: 2, per: week}
"""
    )
    paths = ["/a", "/a", None, "/b", "/a"]
    events = [event(at_ms=MONDAY + n, path=path) for n, path in enumerate(paths)]
    events.append(event(at_ms=MONDAY + 7 * DAY, path="/a"))
    assert earned(run(rules, events)) == [1, 0, 1, 0, 0, 1]


def test_once_per_field_remembers_two_hundred_values() -> None:
    """The list of values is bounded; what comes after it earns nothing."""
    rules = ruleset(
        """
models:
  e:
    rules: [{id: visit, on: page_viewed, points: 1, limit: {once_per: context.page.path}}]
"""
    )
    out = run(rules, [event(at_ms=MONDAY + n, path=f"/{n}") for n in range(220)])
    assert sum(earned(out)) == 200


def test_what_a_cap_cuts_to_nothing_counts_for_the_limit() -> None:
    """A match that the cap cut to nothing has used up the limit all the same."""
    rules = ruleset(
        """
models:
  e:
    cap: 5
    decay: {half_life: 1h}
    rules: [{id: visit, on: page_viewed, points: 5, limit: {times: 2, per: day}}]
"""
    )
    out = run(
        rules,
        [event(at_ms=MONDAY + ms, id=id_) for ms, id_ in ((0, "1"), (0, "2"), (9 * HOUR, "3"))],
    )
    assert earned(out) == [1, 0, 0]
    assert [entries[-1].clipped for entries in out.entries] == ["", "cap", "limit"]


@pytest.mark.parametrize("period", ["hour", "day", "week", "month"])
def test_periods_are_those_of_the_calendar(period: str) -> None:
    """Buckets change exactly where datetime says that the period does."""

    def name(ms: int) -> tuple[int, ...]:
        at = EPOCH + timedelta(milliseconds=ms)
        year, week, _ = at.isocalendar()
        return {
            "hour": (at.year, at.month, at.day, at.hour),
            "day": (at.year, at.month, at.day),
            "week": (year, week),
            "month": (at.year, at.month),
        }[period]

    length, offset = _PERIODS[period]

    def bucket_of(ms: int) -> int:
        return (ms + offset) // length if length else month_of(ms)

    for n in range(-2000, 4000):
        left, right = n * 23 * HOUR, (n + 1) * 23 * HOUR - SECOND
        assert (bucket_of(left) == bucket_of(right)) == (name(left) == name(right))


FIT = """
models:
  fit:
    cap: 40
    rules:
      - {id: chief, when: {field: traits.title, contains: Chief}, points: 30}
      - {id: large, when: {field: traits.size, gte: 200}, points: 20}
      - {id: form, on: form_submitted, points: 3, when: {field: traits.size, gte: 1000}}
"""


def test_a_trait_rule_holds_until_the_trait_changes() -> None:
    """Points come with the trait, stay without decay, and are taken back when it goes."""
    rules = ruleset(FIT)
    out = run(
        rules,
        [
            event(at_ms=MONDAY, traits={"title": "Chief of staff"}),
            event(at_ms=MONDAY + 1, traits={"title": "Chief"}),
            event(at_ms=MONDAY + 2, traits={"size": "250"}),
            event(at_ms=MONDAY + 3, traits={"title": "Clerk"}),
            event(at_ms=MONDAY + 4, traits={"size": None}),
        ],
    )
    assert granted(rules, out) == [
        [("fit/chief", 30.0, "")],
        [],
        [("fit/large", 10.0, "cap")],
        [("fit/chief", -30.0, "taken back")],
        [("fit/large", -10.0, "taken back")],
    ]
    assert score_at(out.state.models["fit"], MONDAY + 900 * DAY) == 0
    assert out.state.traits == {"title": "Clerk"}


def test_event_rules_read_the_traits_with_those_of_the_event() -> None:
    """The lead's traits by then, this event's included."""
    rules = ruleset(FIT)
    forms = [
        event("form_submitted", MONDAY, traits={"size": 100}),
        event("form_submitted", MONDAY + 1, traits={"size": 1000}),
        event("form_submitted", MONDAY + 2),
    ]
    out = granted(rules, run(rules, forms))
    assert [("fit/form", 3.0, "") in entries for entries in out] == [False, True, True]


def test_a_robots_event_is_counted_and_scores_nothing() -> None:
    """No points, no limit used, no traits set; it is part of the history all the same."""
    rules = ruleset(
        """
models:
  e:
    rules:
      - {id: visit, on: page_viewed, points: 5, limit: once}
      - {id: chief, when: {field: traits.title, contains: Chief}, points: 30}
"""
    )
    out = run(
        rules,
        [
            event(at_ms=MONDAY, bot=True, traits={"title": "Chief"}),
            event(at_ms=MONDAY + 1),
        ],
    )
    assert granted(rules, out) == [[("e/visit", 0.0, "bot")], [("e/visit", 5.0, "")]]
    assert out.state.traits == {}
    assert out.state.events == 2


def test_rules_grant_in_the_order_of_the_ruleset() -> None:
    """Trait rules and event rules of one event take their turns; so the cap hits the later one."""
    rules = ruleset(
        """
models:
  e:
    cap: 10
    rules:
      - {id: first, on: [form_submitted, "form_*"], points: 6}
      - {id: second, when: {field: traits.title, exists: true}, points: 6}
"""
    )
    form = event("form_submitted", traits={"title": "x"})
    assert granted(rules, run(rules, [form])) == [[("e/first", 6.0, ""), ("e/second", 4.0, "cap")]]
    turned = ruleset(
        """
models:
  e:
    cap: 10
    rules:
      - {id: second, when: {field: traits.title, exists: true}, points: 6}
      - {id: first, on: form_submitted, points: 6}
"""
    )
    out = run(turned, [form])
    assert granted(turned, out) == [[("e/second", 6.0, ""), ("e/first", 4.0, "cap")]]


def test_a_rule_may_decay_otherwise_than_its_model() -> None:
    """An unsubscribe that never fades stands beside engagement that does."""
    rules = ruleset(
        """
models:
  e:
    decay: {half_life: 1d}
    rules:
      - {id: visit, on: page_viewed, points: 64}
      - {id: gone, on: email_unsubscribed, points: -40, decay: none}
"""
    )
    out = run(rules, [event(), event("email_unsubscribed")])
    assert score_at(out.state.models["e"], MONDAY + DAY) == pytest.approx(-8)
    assert score_at(out.state.models["e"], MONDAY + 400 * DAY) == pytest.approx(-40)


def test_traits_are_bounded() -> None:
    """At most 64 names, those that rules read first; a value that is too long is not kept."""
    rules = ruleset(FIT)
    many = {f"t{n:03}": n for n in range(100)} | {"size": 5, "t005": "x" * 2000, "t006": 10**30}
    out = run(rules, [event(traits=many)])
    encode_scores(out.state)
    assert "t006" not in out.state.traits
    assert len(out.state.traits) == MAX_TRAITS
    assert "size" in out.state.traits
    assert "t005" not in out.state.traits


def test_state_survives_its_encoding() -> None:
    """Folding on from a stored state is folding on from the state."""
    rules = ruleset(FIT + "  e:\n    rules: [{id: v, on: page_viewed, points: 1, limit: once}]\n")
    first = [event(traits={"title": "Chief"}), event(at_ms=MONDAY + 1)]
    stored = decode_scores(encode_scores(run(rules, first).state))
    later = [event(at_ms=MONDAY + 2, traits={"title": ""})]
    again = fold_scores(rules, stored, later)
    whole = fold_scores(rules, new_state(), first + later)
    assert encode_scores(again.state) == encode_scores(whole.state)


def test_an_event_before_the_ladders_walk_asks_to_settle() -> None:
    """Scores go on; the ladder stays as it was published, for the caller to read once."""
    rules = ruleset(
        """
models:
  e: {rules: [{id: visit, on: page_viewed, points: 20}]}
stages:
  ladder: [{name: a}, {name: b, enter: {e: 10}}]
"""
    )
    journeys = new_journeys(rules, MONDAY + HOUR)
    out = extend(rules, new_state(), journeys, [event(), event(at_ms=MONDAY + 2 * HOUR)], True)
    assert out.needs_settle
    assert out.changes == []
    assert score_at(out.state.models["e"], MONDAY + 2 * HOUR) == 40


HOSTILE = [10**30, -(10**40), 1e308, "x" * 100_000, [[[[1]]]], {"a": {"b": 10**30}}, "\x00", True]


@pytest.mark.parametrize("value", HOSTILE)
def test_odd_values_score_like_any_other(value: object) -> None:
    """Old topics hold old dirt: no value of a field or trait may stop a partition."""
    rules = ruleset(
        """
models:
  e:
    rules:
      - {id: per, on: page_viewed, points: 1, limit: {once_per: properties.a}}
      - {id: more, on: page_viewed, points: 1, when: {field: properties.a, gte: 1}}
      - {id: same, on: page_viewed, points: 1, when: {field: properties.a, in: [1, x]}}
      - {id: text, on: page_viewed, points: 1, when: {field: properties.a, matches: "x+y"}}
      - {id: has, when: {field: traits.a, contains: x}, points: 1}
"""
    )
    out = run(rules, [event(properties={"a": value}, traits={"a": value}, id=n) for n in "12"])
    assert [entry.clipped for entry in out.entries[1] if entry.rule == 1] == ["limit"]
    encode_scores(decode_scores(encode_scores(out.state)))


def test_what_a_robot_says_of_a_person_is_not_believed() -> None:
    """Its traits are left alone: those of before stand, and rules on them go on."""
    rules = ruleset(
        "models: {fit: {rules: [{id: boss, when: {field: traits.title, eq: boss}, points: 7}]}}"
    )
    person = event("lead_identified", MONDAY, traits={"title": "boss"})
    robot = event("page_viewed", MONDAY + 1, bot=True, traits={"title": "nobody", "size": 9})
    seen = event("page_viewed", MONDAY + 2)
    made = run(rules, [person, robot, seen])
    assert made.state.traits == {"title": "boss"}
    assert [entry.points for entries in made.entries for entry in entries] == [7]

"""Conditions over time: counts, silences and sequences, and the points that time brings."""

from __future__ import annotations

from typing import Any

from services.scorer.core.by_time import advance_scores
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import Extended, advance, fold_scores, new_state, next_due_ms
from services.scorer.core.timed import is_timed, split, written_out
from shared.envelope import Event
from shared.lead_state import decode_scores, encode_scores
from shared.ruleset.condition import Condition, Seen
from tests.unit.scorer.stories import DAY, HOUR, MONDAY, event, granted, ruleset, run


def rules_of(*rules: str) -> Ruleset:
    return ruleset("models:\n  e:\n    rules:\n" + "".join(f"      - {one}\n" for one in rules))


def told(rules: Ruleset, entries: list[Any]) -> list[tuple[int, str, float]]:
    """(instant, rule, points) of what time brought."""
    return [(one.at_ms, rules.by_number[one.rule].name, one.points) for one in entries]


def points(rules: Ruleset, events: list[Event]) -> list[float]:
    """What each event gave in all."""
    return [sum(entry.points for entry in entries) for entries in run(rules, events).entries]


def test_the_third_visit_within_a_week_counts() -> None:
    """The event itself counts; one exactly a week ago no longer does."""
    rules = rules_of(
        "{id: third, on: page_viewed, points: 5, when:"
        " {count: {on: page_viewed, within: 7d, at_least: 3}}}"
    )
    days = [0, 1, 7 - 1 / DAY, 8 - 1 / DAY, 8 - 1 / DAY + 1, 30]
    at = [MONDAY + round(day * DAY) for day in days]
    assert points(rules, [event(at_ms=ms) for ms in at]) == [0, 0, 5, 5, 5, 0]
    edge = [event(at_ms=MONDAY), event(at_ms=MONDAY + DAY), event(at_ms=MONDAY + 7 * DAY)]
    assert points(rules, edge) == [0, 0, 0]


def test_a_click_after_an_opening_counts_within_two_days() -> None:
    """In order, one event a step, and not longer ago than said."""
    rules = rules_of(
        "{id: seq, on: email_clicked, points: 5, when: {sequence: {within: 2d, steps:"
        " [{on: email_opened}, {on: email_clicked}]}}}"
    )
    line = [("email_clicked", 0), ("email_opened", 1), ("email_clicked", 3), ("email_clicked", 4)]
    assert points(rules, [event(kind, MONDAY + day * DAY) for kind, day in line]) == [0, 0, 5, 0]


def test_one_event_is_one_step_of_a_sequence() -> None:
    """Three visits make a sequence of three, not fewer."""
    rules = rules_of(
        "{id: seq, on: page_viewed, points: 5, when: {sequence: {within: 2d, steps:"
        " [{on: page_viewed}, {on: page_viewed}, {on: page_viewed}]}}}"
    )
    assert points(rules, [event(at_ms=MONDAY + n) for n in range(4)]) == [0, 0, 5, 5]


SILENT = rules_of(
    "{id: visit, on: page_viewed, points: 20}",
    "{id: quiet, after: {quiet: 30d, on: page_viewed}, points: -15}",
)


def test_a_silence_takes_points_once() -> None:
    """At its millisecond, not again while it lasts, and again after the next visit."""
    out = run(SILENT, [event(at_ms=MONDAY), event(at_ms=MONDAY + 90 * DAY)])
    assert told(SILENT, out.time_entries) == [(MONDAY + 30 * DAY, "e/quiet", -15)]
    assert next_due_ms(SILENT, out.state, out.journeys) == MONDAY + 120 * DAY
    assert advance(SILENT, out.state, out.journeys, MONDAY + 120 * DAY - 1, True).time_entries == []
    later = advance(SILENT, out.state, out.journeys, MONDAY + 999 * DAY, True).time_entries
    assert told(SILENT, later) == [(MONDAY + 120 * DAY, "e/quiet", -15)]
    assert later[0].after == out.state.last


def test_time_comes_before_an_event_of_the_same_millisecond() -> None:
    """The silence ends just as the visit comes: it was one."""
    out = run(SILENT, [event(at_ms=MONDAY), event(at_ms=MONDAY + 30 * DAY)])
    assert told(SILENT, out.time_entries) == [(MONDAY + 30 * DAY, "e/quiet", -15)]


def test_a_robot_ends_no_silence() -> None:
    """Its visit is no activity."""
    out = run(SILENT, [event(at_ms=MONDAY), event(at_ms=MONDAY + 9 * DAY, bot=True)])
    assert next_due_ms(SILENT, out.state, out.journeys) == MONDAY + 30 * DAY


HELD = rules_of(
    "{id: keen, points: 10, when: {all: [{field: traits.title, exists: true},"
    " {count: {on: page_viewed, within: 2d, at_least: 2}}]}}",
    "{id: asleep, points: -3, when: {quiet: {for: 20d}}}",
)


def test_what_holds_by_a_count_is_taken_back_when_it_runs_out() -> None:
    """At the instant at which the older of the two visits leaves the window."""
    events = [event(at_ms=MONDAY, traits={"title": "x"}), event(at_ms=MONDAY + HOUR)]
    out = run(HELD, events)
    assert granted(HELD, out) == [[], [("e/keen", 10, "")]]
    assert told(HELD, advance_scores(HELD, out.state, MONDAY + 50 * DAY)) == [
        (MONDAY + 2 * DAY, "e/keen", -10),
        (MONDAY + HOUR + 20 * DAY, "e/asleep", -3),
    ]


def test_time_and_batches_make_no_difference() -> None:
    """Folded at once, or event by event with time passing between: the same points and state."""
    days = [0, 0.5, 1, 4, 30, 31, 80]
    events = [
        event(at_ms=MONDAY + round(day * DAY), traits={"title": "x"} if day == 1 else {})
        for day in days
    ]
    whole = fold_scores(HELD, new_state(), events)
    state, entries = new_state(), []
    for one in events:
        at_ms = round((one.occurred_at - events[0].occurred_at).total_seconds() * 1000) + MONDAY
        for early in (at_ms - HOUR, at_ms):
            entries += advance_scores(HELD, state, early)
        state = decode_scores(encode_scores(state))
        entries += fold_scores(HELD, state, [one]).time_entries
    assert entries == whole.time_entries
    assert len(entries) > 3
    assert encode_scores(state) == encode_scores(whole.state)


def test_a_count_of_nothing_is_not_kept() -> None:
    """A ruleset that asks nothing over time keeps nothing for it."""
    out: Extended = run(rules_of("{id: visit, on: page_viewed, points: 1}"), [event()])
    assert out.state.watch is None


def test_named_conditions_are_written_out() -> None:
    """A segment stands for its condition, however deep it is named."""
    inner = Condition(seen=Seen(on=["purchased"]))
    asked = Condition.model_validate(
        {"all": [{"not": {"segment": "buyers"}}, {"any": [{"field": "traits.x", "eq": 1}]}]}
    )
    out = written_out(asked, {("segment", "buyers"): inner})
    plain, timed = split(out)
    assert timed == Condition.model_validate({"not": inner})
    assert plain is not None
    assert not is_timed(plain)

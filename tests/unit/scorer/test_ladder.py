"""Stages: rising, falling, dwell, episodes and hand-offs."""

from __future__ import annotations

from services.scorer.core.fold import (
    advance,
    became_known,
    extend,
    fold_scores,
    new_journeys,
    new_state,
    next_due_ms,
    settle,
)
from tests.unit.scorer.stories import DAY, HOUR, MONDAY, event, moves, ruleset, run

LADDER = """
models:
  e:
    decay: {half_life: 10d}
    rules:
      - {id: read, on: page_viewed, points: 10}
      - {id: demo, on: demo_requested, points: 80}
      - {id: gone, on: email_unsubscribed, points: -100, decay: none}
      - {id: sorry, on: sales_rejected, points: -70}
  c:
    rules:
      - {id: bought, on: purchase_made, points: 50}
stages:
  ladder:
    - name: inform
    - {name: educate, enter: {e: 20}, leave: {e: 10}, handoff: content}
    - {name: validate, enter: {e: 60}, leave: {e: 40}, dwell: 15d, handoff: sales}
    - {name: convert, enter: {c: 50}}
"""
RULES = ruleset(LADDER)


def test_a_lead_rises_when_its_score_reaches_the_threshold() -> None:
    """Two reads at once are exactly 20; the reasons are the entries of the event that tipped it."""
    out = run(RULES, [event(id="1"), event(id="2"), event(id="3")])
    assert moves(out) == [("educate", "event", "content")]
    (change,) = out.changes
    assert (change.seq, change.at_ms, change.from_stage) == (1, MONDAY, "inform")
    assert [(r.event_id, r.rule, r.points) for r in change.reasons] == [("2", "e/read", 10.0)]
    assert change.reasons[0].occurred_at == "2026-06-01T00:00:00.000Z"
    assert change.scores == {"e": 20.0, "c": 0.0}


def test_a_lead_rises_straight_to_the_highest_stage() -> None:
    """A demo request leads past educate; only the stage entered hands over."""
    assert moves(run(RULES, [event("demo_requested")])) == [("validate", "event", "sales")]


def test_decay_makes_a_lead_fall_at_its_instant() -> None:
    """80 is 40 after one half-life, but dwell holds it for 15 days: then down, and down again."""
    out = run(RULES, [event("demo_requested")])
    due = next_due_ms(RULES, out.state, out.journeys)
    assert due == MONDAY + 15 * DAY
    settled = advance(RULES, out.state, out.journeys, due - 1, True)
    assert settled.changes == []
    settled = advance(RULES, out.state, out.journeys, MONDAY + 99 * DAY, True)
    assert [(c.to_stage, c.at_ms, c.cause, c.reasons) for c in settled.changes] == [
        ("educate", MONDAY + 15 * DAY, "time", []),
        ("inform", MONDAY + 30 * DAY + 1, "time", []),
    ]
    assert next_due_ms(RULES, out.state, settled.journeys) is None


def test_points_taken_away_make_a_lead_fall_at_once() -> None:
    """An unsubscribe tips it, and is the reason told."""
    out = run(RULES, [event(id="1"), event(id="2"), event("email_unsubscribed", MONDAY + HOUR)])
    assert moves(out) == [("educate", "event", "content"), ("inform", "event", "")]
    assert [reason.rule for reason in out.changes[1].reasons] == ["e/gone"]
    assert out.changes[1].at_ms == MONDAY + HOUR


def test_a_threshold_as_high_as_the_cap_can_be_reached() -> None:
    """The last digit of a sum of fading points decides nothing."""
    rules = ruleset(
        """
models:
  e:
    decay: {half_life: 10d}
    cap: 40
    rules: [{id: read, on: page_viewed, points: 25}]
stages:
  ladder: [{name: a}, {name: b, enter: {e: 40}, leave: {e: 30}}]
"""
    )
    for hours in range(1, 100):
        line = [event(), event(at_ms=MONDAY + hours * HOUR)]
        assert moves(run(rules, line)) == [("b", "event", "")], hours


def test_between_leave_and_enter_a_lead_stays() -> None:
    """Hysteresis: at 45 it neither rises to validate nor falls from it."""
    demo = event("demo_requested")
    for later in (MONDAY + 2 * DAY, MONDAY + 8 * DAY):
        assert len(moves(run(RULES, [demo, event(at_ms=later)]))) == 1


def test_moves_of_time_before_an_event_come_first() -> None:
    """After a long silence the fall is told at its own instant, then the event's rise."""
    out = run(RULES, [event("demo_requested"), event("demo_requested", MONDAY + 60 * DAY)])
    assert moves(out) == [
        ("validate", "event", "sales"),
        ("educate", "time", "content"),
        ("inform", "time", ""),
        ("validate", "event", "sales"),
    ]
    assert [change.seq for change in out.changes] == [1, 2, 3, 4]
    assert [change.episode for change in out.changes] == [1, 1, 2, 2]


def test_sales_is_handed_a_lead_once_per_episode() -> None:
    """Falling to educate and rising again is the same episode: no second hand-off."""
    out = run(
        RULES,
        [
            event("demo_requested"),
            event("sales_rejected", MONDAY + 16 * DAY),
            event("demo_requested", MONDAY + 17 * DAY),
            event("demo_requested", MONDAY + 18 * DAY),
        ],
    )
    assert [m for m in moves(out) if m[0] == "validate"] == [("validate", "event", "sales")] * 2
    out = run(RULES, [event("demo_requested"), event("demo_requested", MONDAY + 20 * DAY)])
    assert moves(out) == [
        ("validate", "event", "sales"),
        ("educate", "time", "content"),
        ("validate", "event", ""),
    ]


def test_an_anonymous_leads_hand_off_waits_until_it_is_known() -> None:
    """It waits, is released once with its sequence number, and no second time."""
    out = run(RULES, [event("demo_requested")], known=False)
    (change,) = out.changes
    assert (change.handoff, change.waiting) == ("sales", True)
    assert out.journeys[0].waiting_seq == 1
    (release,) = became_known(RULES, out.state, out.journeys)
    assert (release.journey, release.stage, release.seq) == ("main", "validate", 1)
    assert became_known(RULES, out.state, out.journeys) == []


def test_a_waiting_hand_off_ends_when_the_lead_falls() -> None:
    """Nobody was told, so rising again hands over again."""
    out = run(RULES, [event("demo_requested")], known=False)
    advance(RULES, out.state, out.journeys, MONDAY + 16 * DAY, False)
    assert became_known(RULES, out.state, out.journeys) == []
    again = extend(
        RULES, out.state, out.journeys, [event("demo_requested", MONDAY + 16 * DAY)], True
    )
    assert [(c.to_stage, c.handoff, c.waiting) for c in again.changes] == [
        ("validate", "sales", False)
    ]


def test_a_stage_without_leave_holds() -> None:
    """Who bought stays a customer however long the silence."""
    out = run(RULES, [event("purchase_made")])
    assert moves(out) == [("convert", "event", "")]
    assert next_due_ms(RULES, out.state, out.journeys) is None


def test_negative_points_that_fade_let_a_lead_rise_by_itself() -> None:
    """-70 fade against purchases that don't: the rise is due at its millisecond."""
    rules = ruleset(
        """
models:
  e:
    decay: {half_life: 10d}
    rules:
      - {id: bought, on: purchase_made, points: 30, decay: none}
      - {id: no, on: sales_rejected, points: -40}
stages:
  ladder: [{name: a}, {name: b, enter: {e: 20}, leave: {e: 15}}]
"""
    )
    out = run(rules, [event("sales_rejected"), event("purchase_made", MONDAY + 1)])
    assert moves(out) == []
    assert next_due_ms(rules, out.state, out.journeys) == MONDAY + 20 * DAY
    settled = advance(rules, out.state, out.journeys, MONDAY + 30 * DAY, True)
    assert [(c.to_stage, c.at_ms) for c in settled.changes] == [("b", MONDAY + 20 * DAY)]


def test_settling_reads_the_ladder_once_from_the_stage_published() -> None:
    """History that changed: one move, at the given instant, with its cause and no reasons."""
    state = fold_scores(RULES, new_state(), [event("demo_requested")]).state
    journeys = new_journeys(RULES, MONDAY)
    settled = settle(RULES, state, journeys, MONDAY + HOUR, "history", True)
    (change,) = settled.changes
    assert (change.to_stage, change.at_ms, change.cause) == ("validate", MONDAY + HOUR, "history")
    assert (change.handoff, change.withheld, change.reasons) == ("sales", False, [])
    assert journeys[0].ladder_at_ms == MONDAY + HOUR
    assert settle(RULES, state, journeys, MONDAY + HOUR, "history", True).changes == []


def test_a_recalculation_withholds_its_hand_offs() -> None:
    """The change is told, the hand-off is marked for a person to release."""
    state = fold_scores(RULES, new_state(), [event("demo_requested")]).state
    settled = settle(
        RULES, state, new_journeys(RULES, 0), MONDAY, "recalculation", False, hand_off=False
    )
    (change,) = settled.changes
    assert (change.handoff, change.withheld, change.waiting) == ("sales", True, False)


def test_settling_without_a_move_leaves_later_events_to_step() -> None:
    """An event older than the instant of settling, but newer than all others, still steps."""
    out = run(RULES, [event()])
    settle(RULES, out.state, out.journeys, MONDAY + 5 * HOUR, "history", True)
    later = extend(RULES, out.state, out.journeys, [event("demo_requested", MONDAY + HOUR)], True)
    assert not later.needs_settle
    assert [change.at_ms for change in later.changes] == [MONDAY + HOUR]


def test_a_stage_that_a_new_ruleset_dropped_is_left() -> None:
    """The lead goes where its scores belong on the new ladder."""
    out = run(RULES, [event("demo_requested")])
    renamed = ruleset(LADDER.replace("name: validate", "name: ready"))
    settled = settle(renamed, out.state, out.journeys, MONDAY, "recalculation", True, False)
    assert [(c.from_stage, c.to_stage) for c in settled.changes] == [("validate", "ready")]

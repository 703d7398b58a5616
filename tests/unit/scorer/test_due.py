"""The bound of a lead's next time-driven change, and the order of what time brings."""

from __future__ import annotations

from services.scorer.core.fold import advance, bound_after, extend, next_due_ms
from tests.unit.scorer.stories import DAY, MONDAY, event, ruleset, run

# Who asked for a demo and is silent about it for two days goes beside the ladder.
WAITING = ruleset("""
models:
  interest:
    rules: [{id: visit, on: page_viewed, points: 1}]
stages:
  ladder: [{name: inform}]
  side:
    - name: forgotten
      when:
        all:
          - {seen: {on: demo_requested}}
          - {quiet: {on: demo_requested, for: 2d}}
""")
TWO = ruleset("""
models:
  slow: {decay: {half_life: 30d}, rules: [{id: visit, on: page_viewed, points: 40}]}
  fast: {decay: {half_life: 3d}, rules: [{id: seen, on: page_viewed, points: 40}]}
stages:
  ladder:
    - {name: cold}
    - {name: warm, enter: {slow: 10}, leave: {slow: 5}}
    - {name: hot, enter: {slow: 20}, leave: {slow: 15}}
journeys:
  renewal:
    ladder:
      - {name: idle}
      - {name: busy, enter: {fast: 20}, leave: {fast: 10}}
""")


def test_the_bound_comes_nearer_when_a_condition_may_turn_sooner() -> None:
    """An event without points can begin a silence that ends before anything that was due."""
    out = run(WAITING, [event("page_viewed")])
    assert next_due_ms(WAITING, out.state, out.journeys) is None
    asked = extend(
        WAITING, out.state, out.journeys, [event("demo_requested", MONDAY + DAY)], known=True,
        quiet_until_ms=1 << 60,
    )  # fmt: skip
    assert asked.changes == []
    bound = bound_after(WAITING, asked.state, asked.journeys, asked.entries, None, moved=False)
    assert bound == next_due_ms(WAITING, asked.state, asked.journeys) == MONDAY + 3 * DAY


def test_a_condition_that_turns_within_a_batch_is_seen() -> None:
    """Though nothing was due when the batch began."""
    out = run(WAITING, [event("page_viewed")])
    batch = [event("demo_requested", MONDAY + DAY), event("page_viewed", MONDAY + 9 * DAY)]
    found = extend(WAITING, out.state, out.journeys, batch, known=True, quiet_until_ms=1 << 60)
    assert [(one.to_stage, one.at_ms) for one in found.changes] == [("forgotten", MONDAY + 3 * DAY)]


def test_time_moves_all_journeys_in_one_order() -> None:
    """A lead's changes are numbered as they happen, whichever journey they belong to."""
    out = run(TWO, [event("page_viewed")])
    found = advance(TWO, out.state, out.journeys, MONDAY + 400 * DAY, known=True)
    assert [(one.journey, one.to_stage) for one in found.changes] == [
        ("renewal", "idle"), ("main", "warm"), ("main", "cold"),
    ]  # fmt: skip
    assert [one.at_ms for one in found.changes] == sorted(one.at_ms for one in found.changes)
    assert [one.seq for one in found.changes] == [3, 4, 5]

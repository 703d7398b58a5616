"""The circuit breaker: when a destination is held, probed, and let go."""

from __future__ import annotations

import pytest

from services.router.breaker import (
    BREAK_AFTER,
    COOLDOWN_MAX_S,
    COOLDOWN_S,
    Circuit,
    Outcome,
    after,
    cooldown_s,
    health_of,
)

BROKEN, HEALTHY = Outcome("broken"), Outcome("healthy")
PROBE_BROKEN, PROBE_HEALTHY = Outcome("broken", was_probe=True), Outcome("healthy", was_probe=True)


def test_it_opens_after_so_many_failures_in_a_row() -> None:
    """One fewer leaves it closed, and a success begins the count anew."""
    almost = after(Circuit(), [BROKEN] * (BREAK_AFTER - 1), 0.0)
    assert not almost.is_open
    assert after(almost, [HEALTHY], 0.0) == Circuit()
    opened = after(almost, [BROKEN], 0.0)
    assert (opened.is_open, opened.openings, opened.hold_s) == (True, 1, COOLDOWN_S)


def test_what_was_under_way_when_it_opened_changes_nothing() -> None:
    """32 failures at once open it once."""
    opened = after(Circuit(), [BROKEN] * 32, 0.0)
    assert (opened.openings, opened.hold_s) == (1, COOLDOWN_S)


def test_a_failed_probe_holds_it_longer_and_a_good_one_closes_it() -> None:
    """Twice as long each time, up to a limit."""
    circuit = after(Circuit(), [BROKEN] * BREAK_AFTER, 0.0)
    stored = Circuit(circuit.failures, circuit.openings, True)
    again = after(stored, [PROBE_BROKEN], 0.0)
    assert (again.openings, again.hold_s) == (2, 2 * COOLDOWN_S)
    assert after(again, [PROBE_HEALTHY], 0.0) == Circuit()


def test_a_cooldown_has_an_end_and_a_spread() -> None:
    """However often it opened."""
    assert cooldown_s(1_000_000, 0.0) == COOLDOWN_MAX_S
    assert cooldown_s(1, 1.0) == COOLDOWN_S * 1.2


def test_a_receiver_that_asks_for_patience_gets_it() -> None:
    """Retry-After holds the whole destination, a day at most."""
    asked = [Outcome("broken", retry_after_s=3_600.0)] * BREAK_AFTER
    assert after(Circuit(), asked, 0.0).hold_s == 3_600.0
    for_ever = [Outcome("broken", retry_after_s=1e9)] * BREAK_AFTER
    assert after(Circuit(), for_ever, 0.0).hold_s == 86_400


@pytest.mark.parametrize(
    ("status", "health"),
    [(200, "healthy"), (400, "healthy"), (422, "healthy"), (301, "broken"), (401, "broken"),
     (404, "broken"), (429, "broken"), (500, "broken"), (None, "broken")],
)  # fmt: skip
def test_who_is_at_fault(status: int | None, health: str) -> None:
    """One message that isn't wanted says nothing against the receiver."""
    assert health_of(status, status == 200, False) == health

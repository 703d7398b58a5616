"""When a webhook is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.router.retries import WAITS_S, read_retry_after, wait_s

NOW = datetime(2026, 5, 3, 10, 0, tzinfo=UTC)


def test_waits_grow_over_three_days_and_then_end() -> None:
    """Nine retries after the first attempt, about 75.6 hours, then no more."""
    waits = [wait_s(attempts, 0.0, 1.0) for attempts in range(1, len(WAITS_S) + 1)]
    assert waits == list(WAITS_S)
    assert sum(WAITS_S) / 3600 == pytest.approx(75.6, abs=0.1)
    assert wait_s(len(WAITS_S) + 1, 0.0, 1.0) is None


def test_jitter_adds_a_fifth_at_most() -> None:
    """So that a receiver that comes back isn't met by everything at once."""
    assert wait_s(2, 1.0, 1.0) == 360


def test_retry_after_is_honoured_within_a_day() -> None:
    """A longer wait than ours counts, a shorter doesn't, and no receiver can park us for ever."""
    assert wait_s(1, 0.0, 1.0, 120) == 120
    assert wait_s(2, 0.0, 1.0, 1) == 300
    assert wait_s(1, 0.0, 1.0, 10**9) == 86_400


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Sun, 03 May 2026 10:02:00 GMT", 120.0),
        ("Sun, 03 May 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str | None, seconds: float | None) -> None:
    """Anything else is ignored."""
    assert read_retry_after(value, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("Mon, 1 Jan 99999999999999 00:00:00 GMT", None),
        ("Mon, 1 Jan 2026 99999999999999:00:00 GMT", None),
        ("Mon, 1 Jan 2026 00:00:00 +99999999999999", None),
        ("-5", None),
        ("9999999999", 86_400),
        ("9" * 5_000, 86_400),
        ("٣", None),
    ],
)
def test_whatever_a_receiver_makes_up_is_read(value: str, seconds: float | None) -> None:
    """A delivery must come to an end."""
    assert read_retry_after(value, NOW) == seconds

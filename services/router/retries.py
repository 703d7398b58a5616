"""When a webhook that failed is tried again. Pure: now and chance are handed in."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Seconds after each failed attempt; about 75.6 hours in all (Standard Webhooks' example).
WAITS_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
JITTER = 0.2  # of the wait, added: receivers that come back aren't met by everything at once
RETRY_AFTER_MAX_S = 86_400
# However few attempts counted, there is an end: all waits, with their jitter.
GIVE_UP_S = sum(WAITS_S) * (1 + JITTER)


def wait_s(
    attempts: int, chance: float, scale: float, retry_after_s: float | None = None
) -> float | None:
    """Seconds until the next attempt after `attempts` that failed; None: that was the last.

    chance: 0 to 1 · scale: 1, less in tests · retry_after_s: what the receiver asked for, taken
    where it is longer, a day at most.
    """
    if attempts > len(WAITS_S):
        return None
    wait = WAITS_S[attempts - 1] * (1 + JITTER * chance)
    if retry_after_s is not None:
        wait = max(wait, min(retry_after_s, RETRY_AFTER_MAX_S) * (1 + JITTER * chance))
    return wait * scale


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header: a number, or an HTTP date. None if it is neither."""
    if not value:
        return None
    if value.isascii() and value.isdecimal():
        return float(min(int(value[:12]), RETRY_AFTER_MAX_S))
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None  # whatever a receiver makes up
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    try:
        return max(0.0, (at - now).total_seconds())
    except OverflowError:
        return None

"""What an entry is worth at an instant, and calendar periods: from the definitions alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
STEPS = 256


def in_ms(text: str) -> int:
    """Milliseconds of "30d" and the like."""
    written = text.strip()
    return int(written[:-1]) * UNITS[written[-1]] * 1000


def fading_of(decay: Any) -> tuple[str, int]:
    """(kind, its length in ms) of a decay as written."""
    if decay == "none" or not decay:
        return "none", 0
    if "half_life" in decay:
        return "half_life", in_ms(decay["half_life"])
    if "window" in decay:
        return "window", in_ms(decay["window"])
    return "linear", in_ms(decay["linear"]["to_zero_in"])


def worth(points: float, granted: int, kind: str, length: int, at: int) -> float:
    """What is left at an instant of points granted before."""
    if kind == "none":
        return points
    if kind == "half_life":
        return float(points * 0.5 ** ((at - granted) / length))
    step = max(1, length // STEPS)
    end = granted if step == 1 else granted - granted % step + step
    if kind == "window":
        return points if at < end + length else 0.0
    if at <= end:
        return points
    return points * (end + length - at) / length if at < end + length else 0.0


def period(per: str, ms: int) -> str:
    """The calendar period, UTC, that an instant lies in."""
    at = datetime.fromtimestamp(ms // 1000, UTC)
    if per == "week":
        return str((at - timedelta(days=at.weekday())).date())
    return {
        "ever": "ever",
        "hour": at.strftime("%Y-%m-%d %H"),
        "day": at.strftime("%Y-%m-%d"),
        "month": at.strftime("%Y-%m"),
    }[per]


def instant_of(text: str | None, default: int) -> int:
    """Milliseconds since 1970 of a date, its midnight UTC, or of an instant."""
    if text is None:
        return default
    at = datetime.fromisoformat(text)
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)

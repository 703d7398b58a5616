"""Scores over a span of time: bounds, ends and slopes, and arithmetic with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from services.scorer.core.combined import Shown

# A rounding error.
EPSILON = 2.3e-16
_ENDLESS = float("inf")


class Range(NamedTuple):
    """A score over a span of time. low, high: it lies between · first, last: at its ends · fall,
    rise: its change per ms lies between; None where it may jump · noise: what rounding may do to
    each of these.
    """

    low: float
    high: float
    first: float
    last: float
    fall: float | None
    rise: float | None
    noise: float

    def reaches(self, least: float) -> bool | None:
        """Is the score at least so high throughout? None: it can't be told."""
        if self.low - self.noise >= least:
            return True
        return False if self.high + self.noise < least else None

    @property
    def flat(self) -> bool:
        """Is all that is left of its changes as small as rounding errors?"""
        return self.high - self.low <= 4.0 * self.noise


def constant(value: float) -> Range:
    return Range(value, value, value, value, 0.0, 0.0, EPSILON * abs(value))


def tightened(one: Range, length: int) -> Range:
    """Bounded also by what the ends and the slopes allow."""
    low, high, first, last, fall, rise, noise = one
    if fall is None or rise is None:
        return one
    if fall >= 0.0:
        return Range(first, max(first, last), first, last, fall, rise, noise)
    if rise <= 0.0:
        return Range(min(first, last), first, first, last, fall, rise, noise)
    down = min(max((first - last + rise * length) / (rise - fall), 0.0), float(length))
    up = min(max((last - first - fall * length) / (rise - fall), 0.0), float(length))
    low = max(low, min(first, last, first + fall * down))
    high = min(high, max(first, last, first + rise * up))
    return Range(low, high, first, last, fall, rise, noise)


def clamped(one: Range, shown: Shown) -> Range:
    if shown.floor > -_ENDLESS:
        one = _larger(one, constant(shown.floor))
    return _smaller(one, constant(shown.cap)) if shown.cap < _ENDLESS else one


def _sum(a: Range, b: Range) -> Range:
    noise = a.noise + b.noise + EPSILON * (abs(a.low) + abs(a.high) + abs(b.low) + abs(b.high))
    fall = None if a.fall is None or b.fall is None else a.fall + b.fall
    rise = None if a.rise is None or b.rise is None else a.rise + b.rise
    return Range(
        a.low + b.low, a.high + b.high, a.first + b.first, a.last + b.last, fall, rise, noise
    )


def _difference(a: Range, b: Range) -> Range:
    fall = None if b.rise is None else -b.rise
    rise = None if b.fall is None else -b.fall
    return _sum(a, Range(-b.high, -b.low, -b.first, -b.last, fall, rise, b.noise))


def _product(a: Range, b: Range) -> Range:
    low, high = _times((a.low, a.high), (b.low, b.high))
    most_a, most_b = max(abs(a.low), abs(a.high)), max(abs(b.low), abs(b.high))
    noise = a.noise * most_b + b.noise * most_a + a.noise * b.noise + EPSILON * most_a * most_b
    fall = rise = None
    if a.fall is not None and a.rise is not None and b.fall is not None and b.rise is not None:
        one = _times((a.fall, a.rise), (b.low, b.high))
        other = _times((a.low, a.high), (b.fall, b.rise))
        fall, rise = one[0] + other[0], one[1] + other[1]
    return Range(low, high, a.first * b.first, a.last * b.last, fall, rise, noise)


def _times(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    products = (a[0] * b[0], a[0] * b[1], a[1] * b[0], a[1] * b[1])
    return min(products), max(products)


def _smaller(a: Range, b: Range) -> Range:
    if a.high + a.noise <= b.low - b.noise:
        return a
    return b if b.high + b.noise <= a.low - a.noise else _either(a, b, min)


def _larger(a: Range, b: Range) -> Range:
    if a.low - a.noise >= b.high + b.noise:
        return a
    return b if b.low - b.noise >= a.high + a.noise else _either(a, b, max)


def _either(a: Range, b: Range, pick: Callable[[float, float], float]) -> Range:
    smooth = a.fall is not None and b.fall is not None and a.rise is not None and b.rise is not None
    return Range(
        pick(a.low, b.low),
        pick(a.high, b.high),
        pick(a.first, b.first),
        pick(a.last, b.last),
        min(a.fall, b.fall) if smooth else None,  # type: ignore[type-var]
        max(a.rise, b.rise) if smooth else None,  # type: ignore[type-var]
        max(a.noise, b.noise),
    )


OPERATIONS: dict[str, Callable[[Range, Range], Range]] = {
    "+": _sum,
    "-": _difference,
    "*": _product,
    "min": _smaller,
    "max": _larger,
}

"""Shares with their uncertainty, for small numbers, too. Pure.

Wilson: E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt

# Two-sided, 95 %.
Z = 1.959963984540054
# With fewer cases a share says little, whatever its interval.
FEW = 30


@dataclass(frozen=True, slots=True)
class Share:
    """part of whole; low and high: its 95 % interval."""

    part: int
    whole: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Lift:
    """How much larger a share is than the base rate; low and high: its 95 % interval."""

    value: float
    low: float
    high: float


def share(part: int, whole: int) -> Share | None:
    """With Wilson's interval; None of nothing."""
    if whole <= 0:
        return None
    value = part / whole
    spread = Z * Z / whole
    middle = (value + spread / 2) / (1 + spread)
    half = Z * sqrt(value * (1 - value) / whole + spread / (4 * whole)) / (1 + spread)
    return Share(part, whole, value, max(0.0, middle - half), min(1.0, middle + half))


def lift(part: int, whole: int, other_part: int, other_whole: int) -> Lift | None:
    """A share over the base rate, that of these and all others together. None where one of them is
    of nothing, or none of its cases.

    The interval is of the ratio's logarithm, by the delta method: the cases are part of the base,
    too, which makes it narrower than that of two shares apart.
    """
    if min(part, whole) <= 0:
        return None
    cases, all_cases = part + other_part, whole + other_whole
    ratio = (part / whole) / (cases / all_cases)
    spread, other_spread = _spread(part, whole), _spread(other_part, other_whole)
    variance = spread / part**2 + (spread + other_spread) / cases**2 - 2 * spread / (part * cases)
    half = Z * sqrt(max(0.0, variance))
    return Lift(ratio, exp(log(ratio) - half), exp(log(ratio) + half))


def _spread(part: int, whole: int) -> float:
    """The variance of a count. Half a case is added to either outcome, so that none of ten, or all
    of them, isn't taken for certain.
    """
    likely = (part + 0.5) / (whole + 1)
    return whole * likely * (1 - likely)

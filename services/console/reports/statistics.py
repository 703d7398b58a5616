"""Shares with their uncertainty, for small numbers, too. Pure.

Wilson: E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927) ·
Katz: D. Katz et al., Obtaining confidence intervals for the risk ratio in cohort studies (1978).
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
    """How much larger a share is than among all others; low and high: its 95 % interval."""

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
    """The ratio of two shares, with Katz's interval of its logarithm; None where it can't be told:
    one of them is of nothing, or none of its cases.
    """
    if min(part, whole, other_part, other_whole) <= 0:
        return None
    ratio = (part / whole) / (other_part / other_whole)
    half = Z * sqrt(1 / part - 1 / whole + 1 / other_part - 1 / other_whole)
    return Lift(ratio, exp(log(ratio) - half), exp(log(ratio) + half))

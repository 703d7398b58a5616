"""Half-life decay: one formula, used wherever a value is granted, shown or compared."""

from __future__ import annotations

import math

from shared.lead_state import ModelState, Sum

# A sum's reference instant follows its newest entry by at most so many half-lives.
REBASE_HALF_LIVES = 64


def decayed(amount: float, since_ms: int, at_ms: int, half_life_ms: int) -> float:
    """Amount · 2^(-(at - since) / half_life); a half-life of 0 means that nothing decays.

    Before `since_ms` the amount stands as it was granted.
    """
    if not half_life_ms or at_ms <= since_ms:
        return amount
    return float(amount * 2.0 ** ((since_ms - at_ms) / half_life_ms))


def sum_at(total: Sum, at_ms: int, half_life_ms: int) -> float:
    """The value of a sum at an instant."""
    return decayed(total.amount, total.ref_ms, at_ms, half_life_ms)


def score_at(model: ModelState, at_ms: int) -> float:
    """The score of one model at an instant, not before its newest entry."""
    value = 0.0
    for half_life, total in model.sums.items():
        if half_life and at_ms > total.ref_ms:
            value += total.amount * 2.0 ** ((total.ref_ms - at_ms) / half_life)
        else:
            value += total.amount
    return value


def add_points(model: ModelState, half_life_ms: int, at_ms: int, points: float) -> None:
    """Add points granted at an instant to the sum of their half-life, in place.

    The sum's reference instant moves on by whole half-lives, exactly, before amounts could grow
    out of a float's range; so the result doesn't depend on how events were batched.
    """
    total = model.sums.get(half_life_ms)
    if total is None:
        model.sums[half_life_ms] = Sum(at_ms if half_life_ms else 0, points)
        return
    if not half_life_ms:
        total.amount += points
        return
    passed = (at_ms - total.ref_ms) / half_life_ms
    if passed > REBASE_HALF_LIVES:
        whole = (at_ms - total.ref_ms) // half_life_ms
        total.amount = math.ldexp(total.amount, -whole)
        total.ref_ms += whole * half_life_ms
        passed = (at_ms - total.ref_ms) / half_life_ms
    total.amount += points * 2.0**passed

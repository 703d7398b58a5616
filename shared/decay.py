"""Half-life decay: one formula, used wherever a value is shown or compared."""

from __future__ import annotations

from shared.lead_state import ModelState, Sum


def decayed(amount: float, since_ms: int, at_ms: int, half_life_ms: int) -> float:
    """amount · 2^(-(at - since) / half_life); a half-life of 0 means that nothing decays."""
    if not half_life_ms:
        return amount
    return float(amount * 2.0 ** ((since_ms - at_ms) / half_life_ms))


def sum_at(total: Sum, at_ms: int, half_life_ms: int) -> float:
    """The value of a sum at an instant."""
    return decayed(total.amount, total.ref_ms, at_ms, half_life_ms)


def score_at(model: ModelState, at_ms: int) -> float:
    """The score of one model at an instant, not before its newest entry."""
    return sum(sum_at(total, at_ms, half_life) for half_life, total in model.sums.items())

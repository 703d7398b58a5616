"""When a lead falls by time while no score rises: a threshold that is broken once stays so."""

from __future__ import annotations

import math
from collections.abc import Callable

from services.scorer.core.bounds import HORIZON_HALF_LIVES, settled_ms
from services.scorer.core.combined import Models
from services.scorer.core.ladder import Ladder, Rung, all_hold
from shared.decay import score_at
from shared.lead_state import JourneyState, ModelState


def first_of_even(holds: Callable[[int], bool], left: int, right: int) -> int | None:
    """The same for a span in which it changes at most once."""
    if holds(left):
        return left
    return first_true(holds, left, right) if right > left and holds(right) else None


def first_true(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Between an instant at which it doesn't hold and a later one at which it does."""
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high


def next_fall_of_any_kind_ms(
    ladder: Ladder, models: Models, journey: JourneyState, after_ms: int
) -> int | None:
    """While no score rises, a threshold once broken stays so."""
    rung = ladder.rungs[ladder.place[journey.stage]]

    def broken(at_ms: int) -> bool:
        return not all_hold(models, rung.leave, at_ms, ladder.scores)

    low = max(after_ms + 1, journey.since_ms + rung.dwell_ms)
    return first_of_even(broken, low, max(low, settled_ms(models, after_ms) + 1))


def next_fall_ms(rung: Rung, models: Models, journey: JourneyState, after_ms: int) -> int | None:
    """While no score rises, only a fall can come, and a threshold once broken stays so."""
    first: int | None = None
    for name, least in rung.leave:
        model = models.get(name)
        below = after_ms + 1 if model is None else _falls_below_ms(model, least, after_ms)
        if below is not None and (first is None or below < first):
            first = below
    return None if first is None else max(first, journey.since_ms + rung.dwell_ms)


def _falls_below_ms(model: ModelState, least: float, after_ms: int) -> int | None:
    """The first instant after after_ms at which a score that never rises is below."""
    if score_at(model, after_ms + 1) < least:
        return after_ms + 1
    constant, slowest, decaying = 0.0, 0, 0
    for half_life, total in model.sums.items():
        if not half_life:
            constant += total.amount
        elif total.amount:
            decaying += 1
            slowest = max(slowest, half_life)
    if not decaying or constant >= least:
        return None
    low, high = after_ms + 1, after_ms + HORIZON_HALF_LIVES * slowest
    if decaying == 1:
        # amount · 2^(-t / half_life) = least - constant, to within a millisecond or two.
        left = least - constant
        now = score_at(model, after_ms) - constant
        guess = after_ms + math.floor(slowest * math.log2(now / left)) if now > left else low
        low, high = _around(model, least, max(low, guess - 1), high)
    return first_true(lambda at_ms: score_at(model, at_ms) < least, low, high)


def _around(model: ModelState, least: float, low: int, high: int) -> tuple[int, int]:
    """A short interval about a guess: the score reaches `least` at its start, not at its end."""
    step = 2
    while score_at(model, low) < least:
        low, high, step = low - step, low, step * 2
    while low + step < high:
        if score_at(model, low + step) < least:
            return low, low + step
        low, step = low + step, step * 2
    return low, high

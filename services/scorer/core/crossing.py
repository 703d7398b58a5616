"""The next instant at which a lead's stage changes without an event: exact to the millisecond.

Between events a score is a sum of exponentials and a constant. Its crossings of a threshold are
parted from each other by the zeros of its derivative, which has one exponential less once the
slowest is divided out (Rolle's theorem). In each interval that is left the score is monotone, and
a search over whole milliseconds, with the very comparison that decides a move, finds the first
one at which it turns out differently.
"""

from __future__ import annotations

import math
from itertools import pairwise

from services.scorer.core.ladder import Ladder, Models, decide, value_of
from shared.lead_state import JourneyState, ModelState

# After so many half-lives nothing is left that a comparison could see.
_HORIZON_HALF_LIVES = 192


def next_move_ms(
    ladder: Ladder, models: Models, journey: JourneyState, after_ms: int
) -> int | None:
    """The first instant later than after_ms at which `decide` moves the lead, None if never.

    At after_ms itself, which isn't before the newest entry, it must have nothing to move.
    """
    here = ladder.place.get(journey.stage, -1)
    if here < 0:
        return after_ms + 1
    rung = ladder.rungs[here]
    rising = any_can_rise(models)
    if not rung.leave and not rising:
        return None
    moments: set[int] = {after_ms + 1}
    watched: set[tuple[str, float]] = set(rung.leave)
    if rising:
        for above in ladder.rungs[here + 1 :]:
            watched.update(above.enter)
    for name, least in watched:
        model = models.get(name)
        if model is not None:
            moments.update(crossings(model, least, after_ms))
    moments.add(max(after_ms + 1, journey.since_ms + rung.dwell_ms))
    for moment in sorted(moments):
        if decide(ladder, models, journey, moment) is not None:
            return moment
    return None


def any_can_rise(models: Models) -> bool:
    """Does any score hold negative points that decay? Else scores only fall between events."""
    return any(
        half_life and total.amount < 0
        for model in models.values()
        for half_life, total in model.sums.items()
    )


def crossings(model: ModelState, least: float, after_ms: int) -> list[int]:
    """Every instant after after_ms at which `score >= least` begins or ceases to hold, in order."""
    terms = [
        (total.amount * 2.0 ** ((total.ref_ms - after_ms) / half_life), half_life)
        for half_life, total in model.sums.items()
        if half_life and total.amount
    ]
    if not terms:
        return []
    name = ""
    models = {name: model}
    slowest = max(half_life for _, half_life in terms)
    end = after_ms + _HORIZON_HALF_LIVES * slowest
    edges = {after_ms, end}
    if len(terms) > 1:
        derivative = [(-amount / half_life, half_life) for amount, half_life in terms]
        for zero in _zeros([(a, 1.0 / h) for a, h in derivative], end - after_ms):
            edges.update({after_ms + math.floor(zero), after_ms + math.floor(zero) + 1})
    found = []
    ordered = sorted(edge for edge in edges if after_ms <= edge <= end)
    for left, right in pairwise(ordered):
        before = value_of(models, name, left) >= least
        if (value_of(models, name, right) >= least) != before:
            found.append(_first_change(model, least, left, right, before))
    return found


def _first_change(model: ModelState, least: float, low: int, high: int, before: bool) -> int:
    models = {"": model}
    while high - low > 1:
        middle = (low + high) // 2
        if (value_of(models, "", middle) >= least) == before:
            low = middle
        else:
            high = middle
    return high


def _zeros(terms: list[tuple[float, float]], end: float) -> list[float]:
    """Where Σ amount · 2^(-rate · t) is zero for 0 < t < end, in ms to a fraction of one."""
    if len(terms) < 2:
        return []
    slowest = min(rate for _, rate in terms)
    rest = [(amount, rate - slowest) for amount, rate in terms]
    # Its derivative no longer has the slowest term, which is constant now.
    inner = [(-amount * rate, rate) for amount, rate in rest if rate > 0]
    edges = [0.0, *_zeros(inner, end), end]

    def value(t: float) -> float:
        return math.fsum(amount * 2.0 ** (-rate * t) for amount, rate in rest)

    zeros = []
    for left, right in pairwise(edges):
        low, high = left, right
        positive = value(low) > 0
        if (value(high) > 0) == positive:
            continue
        while high - low > 0.25:
            middle = (low + high) / 2
            if middle in (low, high):
                break
            if (value(middle) > 0) == positive:
                low = middle
            else:
                high = middle
        zeros.append((low + high) / 2)
    return zeros

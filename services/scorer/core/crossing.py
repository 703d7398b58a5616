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

from services.scorer.core.ladder import Ladder, Models, Rung, can_rise, decide
from services.scorer.core.spans import score_bounds, settled_ms
from shared.decay import score_at, sum_at
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
    if ladder.general:
        return _next_move_of_any_kind_ms(ladder, models, journey, after_ms)
    if not can_rise(ladder, models):
        return _next_fall_ms(rung, models, journey, after_ms)
    dwell_ends = max(after_ms + 1, journey.since_ms + rung.dwell_ms)
    moments = {after_ms + 1, dwell_ends}
    watched = set(rung.leave)
    for _, enter in ladder.above[here]:
        watched.update(enter)
    for name, least in watched:
        model = models.get(name)
        if model is not None:
            moments.update(crossings(model, least, after_ms))
    for moment in sorted(moments):
        if decide(ladder, models, journey, moment) is not None:
            return moment
    return None


def _next_move_of_any_kind_ms(
    ladder: Ladder, models: Models, journey: JourneyState, after_ms: int
) -> int | None:
    """Spans in which the scores' bounds rule a move out are passed over; others are halved."""
    here = ladder.place[journey.stage]
    rung = ladder.rungs[here]
    dwell_ends = journey.since_ms + rung.dwell_ms
    assert ladder.scores is not None
    end = max(settled_ms(models, after_ms), dwell_ends) + 1
    spans = [(after_ms + 1, end)]
    while spans:
        left, right = spans.pop()
        if left == right:
            if decide(ladder, models, journey, left) is not None:
                return left
            continue
        bounds = {
            name: score_bounds(ladder.scores, models, name, left, right) for name in ladder.watched
        }
        falls = right >= dwell_ends and any(bounds[name][0] < least for name, least in rung.leave)
        rises = any(
            all(bounds[name][1] >= least for name, least in enter)
            for _, enter in ladder.above[here]
        )
        if falls or rises:
            middle = (left + right) // 2
            spans += [(middle + 1, right), (left, middle)]
    return None


def _next_fall_ms(rung: Rung, models: Models, journey: JourneyState, after_ms: int) -> int | None:
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
    low, high = after_ms + 1, after_ms + _HORIZON_HALF_LIVES * slowest
    if decaying == 1:
        # amount · 2^(-t / half_life) = least - constant, to within a millisecond or two.
        left = least - constant
        now = score_at(model, after_ms) - constant
        guess = after_ms + math.floor(slowest * math.log2(now / left)) if now > left else low
        low, high = _around(model, least, max(low, guess - 1), high)
    return _first_change(model, least, low, high, before=True)


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


def crossings(model: ModelState, least: float, after_ms: int) -> list[int]:
    """Every instant after after_ms at which `score >= least` begins or ceases to hold, in order."""
    terms = [
        (sum_at(total, after_ms, half_life), half_life)
        for half_life, total in model.sums.items()
        if half_life and total.amount
    ]
    if not terms:
        return []
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
        before = score_at(model, left) >= least
        if (score_at(model, right) >= least) != before:
            found.append(_first_change(model, least, left, right, before))
    return found


def _first_change(model: ModelState, least: float, low: int, high: int, before: bool) -> int:
    while high - low > 1:
        middle = (low + high) // 2
        if (score_at(model, middle) >= least) == before:
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

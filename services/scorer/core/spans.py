"""Between what a score lies during a span of time: sound bounds, for finding when it crosses.

Each sum, window and line only falls, or only rises, between the newest entry and ever, so that its
bounds over a span are its values at both ends.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.scorer.core.combined import Bounds, Models, Shown, bounds_of
from shared.decay import faded_from, sum_at
from shared.lead_state import ModelState, PartState

_HORIZON_HALF_LIVES = 192
# What adding up in another order may change, as a part of the sum of all amounts.
_ROUNDING = 1e-12


def score_bounds(
    scores: Mapping[str, Shown], models: Models, name: str, from_ms: int, to_ms: int
) -> Bounds:
    """(least, most) of a score as shown from from_ms to to_ms, both included."""
    shown = scores[name]
    if shown.formula is not None:
        low, high = bounds_of(
            shown.formula, lambda member: score_bounds(scores, models, member, from_ms, to_ms)
        )
        slack = _ROUNDING * max(abs(low), abs(high), 1.0)
        low, high = low - slack, high + slack
    else:
        model = models.get(name)
        low, high = (0.0, 0.0) if model is None else _of_model(model, from_ms, to_ms)
    return max(shown.floor, min(shown.cap, low)), min(shown.cap, max(shown.floor, high))


def _of_model(model: ModelState, from_ms: int, to_ms: int) -> Bounds:
    low = high = size = 0.0
    ends = [
        (sum_at(total, from_ms, length), sum_at(total, to_ms, length))
        for length, total in model.sums.items()
    ]
    for part in model.more.parts.values() if model.more is not None else ():
        ends += _ends_of(part, from_ms, to_ms)
    for first, last in ends:
        low += min(first, last)
        high += max(first, last)
        size += abs(first) + abs(last)
    slack = _ROUNDING * max(size, 1.0)
    return low - slack, high + slack


def _ends_of(part: PartState, from_ms: int, to_ms: int) -> list[Bounds]:
    ends = [
        (sum_at(total, from_ms, length), sum_at(total, to_ms, length))
        for length, total in part.sums.items()
    ]
    for kind, lists in (("window", part.windows), ("linear", part.lines)):
        for length, amounts in lists.items():
            for end, amount in amounts:
                first = faded_from(amount, end, from_ms, kind, length)
                ends.append((first, faded_from(amount, end, to_ms, kind, length)))
    return ends


def settled_ms(models: Models, after_ms: int) -> int:
    """From when on no score changes by itself any more, as far as a comparison could see."""
    until = after_ms
    for model in models.values():
        parts: list[ModelState | PartState] = [model]
        if model.more is not None:
            parts += model.more.parts.values()
        for part in parts:
            for length in part.sums:
                until = max(until, after_ms + _HORIZON_HALF_LIVES * length)
            if isinstance(part, PartState):
                for lists in (part.windows, part.lines):
                    for length, amounts in lists.items():
                        until = max([until, *(end + length for end, _ in amounts)])
    return until

"""How points fade: one formula per kind, used wherever a value is granted, shown or compared.

none: p · half_life h: p · 2^(-(t - g) / h) · window W: p while t < e + W, then nothing · linear T:
p up to e, then p · (1 - (t - e) / T), nothing from e + T on. g is the instant of granting and e the
end of the step it lies in, see `step_end`: points of one step fade as one, so that what is kept
of a lead stays small.
"""

from __future__ import annotations

import math
from typing import Literal

from shared.lead_state import Amounts, ModelMore, ModelState, PartState, Sum

# A sum's reference instant follows its newest entry by at most so many half-lives.
REBASE_HALF_LIVES = 64
STEPS = 256

Kind = Literal["half_life", "window", "linear"]


def decayed(amount: float, since_ms: int, at_ms: int, half_life_ms: int) -> float:
    """Amount · 2^(-(at - since) / half_life); a half-life of 0 means that nothing decays.

    Before `since_ms` the amount stands as it was granted.
    """
    if not half_life_ms or at_ms <= since_ms:
        return amount
    return float(amount * 2.0 ** ((since_ms - at_ms) / half_life_ms))


def step_end(at_ms: int, length_ms: int) -> int:
    """The end of the step of a window or line that an instant lies in: 1/256 of its length."""
    step = length_ms // STEPS
    return (at_ms // step + 1) * step if step > 1 else at_ms


def faded(points: float, granted_ms: int, at_ms: int, kind: Kind, length_ms: int) -> float:
    """What is left at an instant of points granted before. Length 0: they don't fade."""
    if kind == "half_life":
        return decayed(points, granted_ms, at_ms, length_ms)
    return faded_from(points, step_end(granted_ms, length_ms), at_ms, kind, length_ms)


def faded_from(amount: float, end: int, at_ms: int, kind: str, length_ms: int) -> float:
    """The same for a window or line, from the end of the step on."""
    if kind == "window":
        return amount if at_ms < end + length_ms else 0.0
    return _on_line(amount, end, at_ms, length_ms)


def _on_line(amount: float, end: int, at_ms: int, length_ms: int) -> float:
    if at_ms <= end:
        return amount
    passed = at_ms - end
    return amount * (1.0 - passed / length_ms) if passed < length_ms else 0.0


def sum_at(total: Sum, at_ms: int, half_life_ms: int) -> float:
    """The value of a sum at an instant."""
    return decayed(total.amount, total.ref_ms, at_ms, half_life_ms)


def score_at(model: ModelState, at_ms: int) -> float:
    """What all points of one model are worth at an instant, not before its newest entry."""
    value = 0.0
    for half_life, total in model.sums.items():
        if half_life and at_ms > total.ref_ms:
            value += total.amount * 2.0 ** ((total.ref_ms - at_ms) / half_life)
        else:
            value += total.amount
    if model.more is not None:
        for part in model.more.parts.values():
            value += part_at(part, at_ms)
    return value


def part_at(part: PartState, at_ms: int) -> float:
    """The same for a part of a model."""
    value = 0.0
    for half_life, total in part.sums.items():
        value += sum_at(total, at_ms, half_life)
    for length, amounts in part.windows.items():
        for end, amount in amounts:
            if at_ms < end + length:
                value += amount
    for length, amounts in part.lines.items():
        for end, amount in amounts:
            value += _on_line(amount, end, at_ms, length)
    return value


def add_points(part: ModelState | PartState, half_life_ms: int, at_ms: int, points: float) -> None:
    """Add points granted at an instant to the sum of their half-life, in place.

    The sum's reference instant moves on by whole half-lives, exactly, before amounts could grow
    out of a float's range; so the result doesn't depend on how events were batched.
    """
    total = part.sums.get(half_life_ms)
    if total is None:
        part.sums[half_life_ms] = Sum(at_ms if half_life_ms else 0, points)
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


def add_fading(
    model: ModelState, part: str, kind: Kind, length_ms: int, at_ms: int, points: float
) -> None:
    """Add points of any kind to a part of a model ("": what belongs to no part), in place."""
    if kind == "half_life" and not part:
        add_points(model, length_ms, at_ms, points)
        return
    if model.more is None:
        model.more = ModelMore(parts={}, periods={}, raws={})
    kept = model.more.parts.get(part)
    if kept is None:
        kept = model.more.parts[part] = PartState(sums={}, windows={}, lines={})
    if kind == "half_life":
        add_points(kept, length_ms, at_ms, points)
    else:
        lists = kept.windows if kind == "window" else kept.lines
        lists[length_ms] = _appended(lists.get(length_ms), length_ms, at_ms, points)


def _appended(amounts: Amounts | None, length_ms: int, at_ms: int, points: float) -> Amounts:
    """With new points, and without those that are gone."""
    end = step_end(at_ms, length_ms)
    live = [one for one in amounts or () if at_ms < one[0] + length_ms]
    if live and live[-1][0] == end:
        live[-1] = (end, live[-1][1] + points)
    else:
        live.append((end, points))
    return live

"""States added up, and taken away from each other: what carries of merged leads come to. Pure.

Sums only: decayed to the later of two instants, half-lives add up exactly but for rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import merge
from operator import itemgetter
from typing import Any

from services.scorer.core.fold import copied
from services.scorer.core.machines import KEPT
from services.scorer.core.signals import MOST_SIGNALS
from shared.lead_state import (
    Amounts,
    ModelMore,
    ModelState,
    PartState,
    Position,
    ScoreState,
    Sum,
    Watch,
)

# What is left of points that cancel out.
NOTHING = 1e-9
_FIRST: Position = (-1, "", "")


def added(states: Sequence[ScoreState]) -> ScoreState:
    """One state of several, at least one, none of which is changed. Of one: the very same."""
    in_order = sorted(states, key=lambda state: state.last or _FIRST)
    total = copied(in_order[0])
    for state in in_order[1:]:
        _add(total, copied(state))
    return total


def _add(total: ScoreState, state: ScoreState) -> None:
    """Add a state that ends no earlier."""
    total.last = state.last or total.last
    total.events += state.events
    total.traits |= state.traits
    for purpose, said in state.consent.items():
        known = total.consent.get(purpose)
        if known is None or known.at_ms <= said.at_ms:
            total.consent[purpose] = said
    total.region = state.region or total.region
    total.carried_ms = max(total.carried_ms, state.carried_ms)
    total.signals = _seen(total.signals, state.signals)
    total.mails = sorted({*total.mails, *state.mails})[-KEPT:]
    for name, model in state.models.items():
        known_model = total.models.get(name)
        if known_model is None:
            total.models[name] = model
        else:
            add_model(known_model, model)
    if state.watch is not None:
        total.watch = _watched(total.watch or Watch(tallies={}, chains={}, armed={}), state.watch)


def _seen(these: dict[int, int], those: dict[int, int]) -> dict[int, int]:
    """Signals of both, each from when it was first seen, in order."""
    both = {name: min(at_ms, these.get(name, at_ms)) for name, at_ms in those.items()}
    in_order = sorted((these | both).items(), key=itemgetter(1))
    return dict(in_order[-MOST_SIGNALS:])


def add_model(total: ModelState, model: ModelState) -> None:
    """Add one lead's points, limits and the like to another's, in place."""
    _add_sums(total.sums, model.sums, 1.0)
    for number, used in model.limits.items():
        total.limits[number] = _used(total.limits.get(number), used)
    for number, points in model.holding.items():
        total.holding[number] = total.holding.get(number, 0.0) + points
    if model.more is not None:
        total.more = total.more or ModelMore(parts={}, periods={}, raws={})
        for name, part in model.more.parts.items():
            kept = total.more.parts.setdefault(name, PartState(sums={}, windows={}, lines={}))
            _add_part(kept, part, 1.0)
        for key, given in model.more.periods.items():
            before = total.more.periods.get(key)
            if before is None or before[0] < given[0]:
                total.more.periods[key] = given
            elif before[0] == given[0]:
                total.more.periods[key] = (given[0], before[1] + given[1])
        total.more.raws |= model.more.raws


def take_away(total: ModelState, model: ModelState) -> None:
    """The same backwards: total is a sum in which the model is contained."""
    _add_sums(total.sums, model.sums, -1.0)
    for number, used in model.limits.items():
        if number in total.limits and (left := _left(total.limits.pop(number), used)):
            total.limits[number] = left
    for number, points in model.holding.items():
        left_points = total.holding.pop(number, 0.0) - points
        if abs(left_points) > NOTHING:
            total.holding[number] = left_points
    if model.more is None or total.more is None:
        return
    for name, part in model.more.parts.items():
        kept = total.more.parts.setdefault(name, PartState(sums={}, windows={}, lines={}))
        _add_part(kept, part, -1.0)
    for key, (bucket, given) in model.more.periods.items():
        before = total.more.periods.get(key)
        if before is not None and before[0] == bucket:
            total.more.periods[key] = (bucket, before[1] - given)
    total.more.raws = {n: raw for n, raw in total.more.raws.items() if n in total.holding}


def _add_sums(total: dict[int, Sum], sums: dict[int, Sum], sign: float) -> None:
    for half_life, one in sums.items():
        kept = total.get(half_life)
        if kept is None:
            total[half_life] = Sum(one.ref_ms, sign * one.amount)
            continue
        ref_ms = max(kept.ref_ms, one.ref_ms)
        kept.amount = _moved(kept, ref_ms, half_life) + sign * _moved(one, ref_ms, half_life)
        kept.ref_ms = ref_ms


def _moved(total: Sum, ref_ms: int, half_life: int) -> float:
    """The amount that stands for a sum at a later reference instant."""
    if not half_life or ref_ms == total.ref_ms:
        return total.amount
    return float(total.amount * 2.0 ** ((total.ref_ms - ref_ms) / half_life))


def _add_part(total: PartState, part: PartState, sign: float) -> None:
    _add_sums(total.sums, part.sums, sign)
    for kept, new in ((total.windows, part.windows), (total.lines, part.lines)):
        for length, amounts in new.items():
            kept[length] = _add_amounts(kept.get(length, []), amounts, sign)


def _add_amounts(total: Amounts, amounts: Amounts, sign: float) -> Amounts:
    by_end = dict(total)
    for end, amount in amounts:
        by_end[end] = by_end.get(end, 0.0) + sign * amount
    return [(end, amount) for end, amount in sorted(by_end.items()) if abs(amount) > NOTHING]


def is_values(used: list[Any]) -> bool:
    """Does a limit hold hashes of values, and not a number of times?"""
    return bool(used[1] >= 1 << 63)


def _used(one: list[Any] | None, other: list[Any]) -> list[Any]:
    if one is None or one[0] < other[0]:
        return list(other)
    if one[0] > other[0]:
        return one
    if is_values(one):
        return [*one, *(value for value in other[1:] if value not in one[1:])]
    return [one[0], one[1] + other[1]]


def _left(total: list[Any], used: list[Any]) -> list[Any] | None:
    if total[0] != used[0]:
        return total
    if is_values(total):
        left = [value for value in total[1:] if value not in used[1:]]
        return [total[0], *left] if left else None
    return [total[0], total[1] - used[1]] if total[1] > used[1] else None


def _watched(total: Watch, watch: Watch) -> Watch:
    """Both seen as one. Beginnings of sequences and silences: the newest counts."""
    return Watch(
        first_ms=_earlier(total.first_ms, watch.first_ms),
        tallies={
            place: _tallied(total.tallies.get(place, [0]), watch.tallies.get(place, [0]))
            for place in total.tallies.keys() | watch.tallies.keys()
        },
        chains={
            place: [
                max(pair)
                for pair in zip(
                    total.chains.get(place, watch.chains.get(place, [])),
                    watch.chains.get(place, total.chains.get(place, [])),
                    strict=True,
                )
            ]
            for place in total.chains.keys() | watch.chains.keys()
        },
        armed={
            number: max(total.armed.get(number, -1), watch.armed.get(number, -1))
            for number in total.armed.keys() | watch.armed.keys()
        },
        until_ms=max(total.until_ms, watch.until_ms),
        next_ms=_earlier(total.next_ms, watch.next_ms),
    )


def _tallied(one: list[int], other: list[int]) -> list[int]:
    return [one[0] + other[0], *merge(one[1:], other[1:])]


def _earlier(one: int, other: int) -> int:
    """Of two instants of which -1 is none."""
    return max(one, other) if min(one, other) < 0 else min(one, other)

"""What a lead's state remembers for rules to come: limits, caps of periods, counts over time.

The core leaves it behind while it folds, so it is compared with what the core leaves behind when it
folds the stored events again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shared.lead_state import ModelMore, ModelState, ScoreState, Watch

NEAR = 1e-6
Parts = Iterator[tuple[str, str, str]]


def differing_memory(state: ScoreState, again: ScoreState, names: Mapping[int, str]) -> Parts:
    """(what, as stored, as recomputed) of all that is remembered otherwise."""
    for name in sorted(state.models.keys() | again.models.keys()):
        left = state.models.get(name, ModelState())
        right = again.models.get(name, ModelState())
        for number in sorted(left.limits.keys() | right.limits.keys()):
            stored, recomputed = left.limits.get(number), right.limits.get(number)
            if _sorted(stored) != _sorted(recomputed):
                yield f"limit of {names.get(number, number)}", _used(stored), _used(recomputed)
        yield from _more(name, left.more or ModelMore(), right.more or ModelMore(), names)
    watch, fresh = state.watch or Watch(), again.watch or Watch()
    for part in Watch.__struct_fields__:
        stored, recomputed = getattr(watch, part), getattr(fresh, part)
        if stored != recomputed:
            yield f"counts over time, {part}", str(stored), str(recomputed)


def _more(model: str, left: ModelMore, right: ModelMore, names: Mapping[int, str]) -> Parts:
    for key in sorted(left.periods.keys() | right.periods.keys()):
        stored, recomputed = left.periods.get(key), right.periods.get(key)
        if (
            stored is None or recomputed is None or stored[0] != recomputed[0]
            or abs(stored[1] - recomputed[1]) > NEAR
        ):  # fmt: skip
            yield f"cap {model} {key}", _used(stored), _used(recomputed)
    for number in sorted(left.raws.keys() | right.raws.keys()):
        if left.raws.get(number) != right.raws.get(number):
            before, after = left.raws.get(number), right.raws.get(number)
            yield f"points of {names.get(number, number)}", str(before), str(after)


def _sorted(used: list[Any] | None) -> list[Any] | None:
    """Values of a limit in one order: those of merged leads may have been put together."""
    return used and [used[0], *sorted(used[1:])]


def _used(kept: Any) -> str:
    """A limit or cap: its period, and how much of it is used."""
    if kept is None:
        return "unused"
    period, *used = kept
    one = f"{used[0]:g}" if len(used) == 1 and used[0] < 1 << 63 else f"{len(used)} values"
    return f"{one} in period {period}"

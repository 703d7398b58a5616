"""Between what scores lie during a span of time, and how fast they change: sound bounds.

Of one model, positive points only lose and negative ones only rise, so that both are bounded by
their values at the ends of a span. Where no window or line ends inside, bounds of the derivative
are known too, which makes the bounds of the score tight: their error shrinks with the square of
the span. Formulas are worked out over such bounds (interval arithmetic).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from math import log

from services.scorer.core.combined import Models, Shown
from services.scorer.core.ranges import EPSILON, OPERATIONS, Range, clamped, constant, tightened
from shared.decay import sum_at
from shared.lead_state import Amounts, ModelState, PartState
from shared.ruleset.formula import Node, Number, Score

# After so many half-lives nothing is left that a comparison could see.
HORIZON_HALF_LIVES = 192
_LN2 = log(2.0)
# A sum of n terms can have n rounding errors, and so many more in what its terms are made of.
_ROUNDINGS = 256


class Steps:
    """Points of one sign that fade alike by window (slope 0) or by line."""

    __slots__ = ("ends", "length", "line", "start", "sums", "weighted")

    def __init__(self, amounts: Amounts, length: int, line: bool, start_ms: int) -> None:
        self.length, self.line, self.start = length, line, start_ms
        self.ends = [end for end, _ in amounts]
        self.sums = list(accumulate((amount for _, amount in amounts), initial=0.0))
        shifted = (amount * ((end - start_ms) / length) for end, amount in amounts)
        self.weighted = list(accumulate(shifted, initial=0.0)) if line else []

    def at(self, at_ms: int) -> tuple[float, float]:
        """Value, and change per ms just after."""
        dead = bisect_right(self.ends, at_ms - self.length)
        if not self.line:
            return self.sums[-1] - self.sums[dead], 0.0
        waning = bisect_right(self.ends, at_ms)
        sliding = self.sums[waning] - self.sums[dead]
        weighted = self.weighted[waning] - self.weighted[dead]
        passed = (at_ms - self.start) / self.length
        value = self.sums[-1] - self.sums[dead] + weighted - passed * sliding
        return value, -sliding / self.length

    def edges(self) -> list[int]:
        """Instants at which it jumps or bends."""
        over = [end + self.length for end in self.ends]
        return self.ends + over if self.line else over


class Side:
    """All points of one sign of a model, from an instant on."""

    __slots__ = ("start", "steps", "terms")

    def __init__(self, start_ms: int) -> None:
        self.start = start_ms
        self.terms: list[tuple[float, int]] = []
        self.steps: list[Steps] = []

    def at(self, at_ms: int) -> tuple[float, float]:
        """Value, and change per ms just after."""
        value = slope = 0.0
        for amount, half_life in self.terms:
            if not half_life:
                value += amount
                continue
            left = amount * 2.0 ** ((self.start - at_ms) / half_life)
            value += left
            slope -= left * (_LN2 / half_life)
        for steps in self.steps:
            of_steps, change = steps.at(at_ms)
            value += of_steps
            slope += change
        return value, slope


class Curve:
    """The points of a model, or a weighted sum of several, from an instant on, ready to be bounded
    again and again.
    """

    __slots__ = ("edges", "errors", "gains", "losses", "size")

    def __init__(self, weighted: Mapping[str, float], models: Models, after_ms: int) -> None:
        self.gains, self.losses = Side(after_ms), Side(after_ms)
        edges: set[int] = set()
        sums: dict[int, float] = {}
        count = 0
        self.size = 0.0
        for name, weight in weighted.items():
            model = models.get(name)
            for part in _parts(model) if model is not None else ():
                for half_life, total in part.sums.items():
                    amount = weight * sum_at(total, after_ms, half_life)
                    count += 1
                    # What cancels out leaves its rounding errors.
                    self.size += abs(amount) if half_life in sums else 0.0
                    sums[half_life] = sums.get(half_life, 0.0) + amount
                if not isinstance(part, PartState):
                    continue
                for line, lists in ((False, part.windows), (True, part.lines)):
                    for length, kept in lists.items():
                        amounts = [(end, weight * amount) for end, amount in kept]
                        count += len(amounts)
                        self.size += sum(abs(amount) for _, amount in amounts)
                        edges.update(self._add(amounts, length, line, after_ms))
        for half_life, amount in sums.items():
            self._side(amount).terms.append((amount, half_life))
        self.edges = sorted(edge for edge in edges if edge > after_ms)
        self.errors = EPSILON * (count + _ROUNDINGS)

    def _side(self, amount: float) -> Side:
        return self.gains if amount > 0.0 else self.losses

    def _add(self, amounts: Amounts, length: int, line: bool, after_ms: int) -> list[int]:
        edges: list[int] = []
        live = [one for one in amounts if one[0] + length > after_ms]
        for side, chosen in (
            (self.gains, [one for one in live if one[1] > 0.0]),
            (self.losses, [one for one in live if one[1] < 0.0]),
        ):
            if chosen:
                steps = Steps(chosen, length, line, after_ms)
                side.steps.append(steps)
                edges += steps.edges()
        return edges

    def range(self, from_ms: int, to_ms: int, smooth: bool) -> Range:
        """smooth: nothing jumps or bends between the ends."""
        gain_first, gain_falls = self.gains.at(from_ms)
        loss_first, loss_rises = self.losses.at(from_ms)
        gain_last, gain_falls_last = self.gains.at(to_ms)
        loss_last, loss_rises_last = self.losses.at(to_ms)
        low, high = gain_last + loss_first, gain_first + loss_last
        noise = self.errors * (gain_first - loss_first + self.size)
        first, last = gain_first + loss_first, gain_last + loss_last
        if not smooth:
            return Range(low, high, first, last, None, None, noise)
        # Both slopes only flatten, as long as nothing bends.
        fall, rise = gain_falls + loss_rises_last, gain_falls_last + loss_rises
        return tightened(Range(low, high, first, last, fall, rise, noise), to_ms - from_ms)


class Scores:
    """Scores as shown, of one state, from an instant on, as ranges over spans. shown: None where
    all are plain.
    """

    def __init__(
        self,
        shown: Mapping[str, Shown] | None,
        models: Models,
        names: tuple[str, ...],
        after_ms: int,
    ) -> None:
        self._shown = shown
        leaves = {
            leaf for name in names for leaf in (members(shown, name) if shown is not None else ())
        }
        self._curves = {
            name: Curve({name: 1.0}, models, after_ms) for name in sorted(leaves | set(names))
        }
        self._sums: dict[str, tuple[Curve, float]] = {}
        for name in names if shown is not None else ():
            weights = _weights(shown, shown[name].formula) if shown is not None else None
            if weights is not None:
                constant_part = weights.pop("", 0.0)
                self._sums[name] = Curve(weights, models, after_ms), constant_part
        self.edges = sorted({edge for curve in self._curves.values() for edge in curve.edges})

    def edge_inside(self, from_ms: int, to_ms: int) -> int | None:
        """The middle one of the jumps and bends after from_ms and up to to_ms."""
        low, high = bisect_right(self.edges, from_ms), bisect_right(self.edges, to_ms)
        return self.edges[(low + high) // 2] if low < high else None

    def range(self, name: str, from_ms: int, to_ms: int, smooth: bool) -> Range:
        """A score over a span, both ends included."""
        if self._shown is None:
            return self._curves[name].range(from_ms, to_ms, smooth)
        shown = self._shown[name]
        if shown.formula is None:
            whole = self._curves[name].range(from_ms, to_ms, smooth)
        elif name in self._sums:
            curve, added = self._sums[name]
            whole = OPERATIONS["+"](curve.range(from_ms, to_ms, smooth), constant(added))
        else:
            whole = self._of(shown.formula, from_ms, to_ms, smooth)
        return whole if shown.plain else clamped(whole, shown)

    def _of(self, node: Node, from_ms: int, to_ms: int, smooth: bool) -> Range:
        if isinstance(node, Score):
            return self.range(node.model, from_ms, to_ms, smooth)
        if isinstance(node, Number):
            return constant(node.value)
        parts = [self._of(part, from_ms, to_ms, smooth) for part in node.parts]
        whole = parts[0]
        for part in parts[1:]:
            whole = tightened(OPERATIONS[node.name](whole, part), to_ms - from_ms)
        return whole


def members(shown: Mapping[str, Shown], name: str) -> tuple[str, ...]:
    """The models whose points a score is made of."""
    return shown[name].members if shown[name].formula is not None else (name,)


def _weights(shown: Mapping[str, Shown], node: Node | None) -> dict[str, float] | None:
    """A formula as a weighted sum of plain scores ("": a constant), None where it isn't one.

    Taken as one sum, what cancels out between its scores does so at once.
    """
    if node is None or (isinstance(node, Score) and not shown[node.model].plain):
        return None
    if isinstance(node, Score):
        return {node.model: 1.0}
    if isinstance(node, Number):
        return {"": node.value}
    parts = [_weights(shown, part) for part in node.parts]
    first, second = parts[0], parts[1]
    if first is None or second is None or node.name not in {"+", "-", "*"}:
        return None
    if node.name == "*":
        if set(first) - {""}:
            first, second = second, first
        factor = first.get("", 0.0)
        return None if set(first) - {""} else {name: factor * w for name, w in second.items()}
    sign = 1.0 if node.name == "+" else -1.0
    return {
        name: first.get(name, 0.0) + sign * second.get(name, 0.0)
        for name in dict.fromkeys((*first, *second))
    }


def _parts(model: ModelState) -> list[ModelState | PartState]:
    return [model, *(model.more.parts.values() if model.more is not None else ())]


def settled_ms(models: Models, after_ms: int) -> int:
    """From when on no score changes by itself any more, as far as a comparison could see."""
    until = after_ms
    for model in models.values():
        for part in _parts(model):
            for length in part.sums:
                until = max(until, after_ms + HORIZON_HALF_LIVES * length)
            if isinstance(part, PartState):
                for lists in (part.windows, part.lines):
                    for length, amounts in lists.items():
                        until = max([until, *(end + length for end, _ in amounts)])
    return until

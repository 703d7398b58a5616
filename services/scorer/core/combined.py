"""Scores as they are shown: bounded by floor and cap, or computed from other scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared.decay import score_at
from shared.lead_state import ModelState
from shared.ruleset.formula import Call, Node, Number, Score, models_in, parse, weighted
from shared.ruleset.model import Model

Models = Mapping[str, ModelState]
Bounds = tuple[float, float]
_ENDLESS = float("inf")


@dataclass(slots=True, eq=False)
class Shown:
    """How one model's score is shown. plain: it has neither bounds nor a formula · members: the
    models that a formula reads · falling: while the points below only fall, so does the score.
    """

    name: str
    floor: float
    cap: float
    formula: Node | None
    members: tuple[str, ...]
    plain: bool
    falling: bool = True


def compile_shown(name: str, model: Model) -> Shown:
    """Assumes a document that reading.py has accepted."""
    formula: Node | None = None
    if model.combined is not None:
        weights = model.combined.weights
        formula = weighted(weights) if weights is not None else parse(model.combined.formula or "")
    cap = _ENDLESS if model.cap is None else float(model.cap)
    floor = -_ENDLESS if model.floor is None else float(model.floor)
    return Shown(
        name=name,
        floor=floor,
        cap=cap,
        formula=formula,
        members=tuple(models_in(formula)) if formula is not None else (),
        plain=formula is None and cap == _ENDLESS and floor == -_ENDLESS,
        falling=formula is None or _falls_along(formula),
    )


def _falls_along(node: Node) -> bool:
    """Does no score enter a formula with a minus?"""
    if not isinstance(node, Call):
        return True
    first, *others = node.parts
    if node.name == "-":
        return _falls_along(first) and not models_in(others[0])
    if node.name == "*":
        scaled = [part for part in node.parts if models_in(part)]
        factors = [part for part in node.parts if not models_in(part)]
        return all(_falls_along(part) for part in scaled) and (
            not scaled
            or (len(scaled) == 1 and all(evaluate(factor, _no_score) >= 0.0 for factor in factors))
        )
    return all(_falls_along(part) for part in node.parts)


def _no_score(name: str) -> float:
    raise KeyError(name)


def shown_at(scores: Mapping[str, Shown], models: Models, name: str, at_ms: int) -> float:
    """A model's score at an instant as it is shown; 0 for a model without points."""
    shown = scores[name]
    if shown.formula is not None:
        value = evaluate(shown.formula, lambda member: shown_at(scores, models, member, at_ms))
    else:
        model = models.get(name)
        value = 0.0 if model is None else score_at(model, at_ms)
    return value if shown.plain else min(shown.cap, max(shown.floor, value))


def evaluate(node: Node, score_of: Callable[[str], float]) -> float:
    """The value of a formula."""
    if isinstance(node, Score):
        return score_of(node.model)
    if isinstance(node, Number):
        return node.value
    values = [evaluate(part, score_of) for part in node.parts]
    return _OPERATIONS[node.name](values)


_OPERATIONS: dict[str, Callable[[list[float]], float]] = {
    "+": lambda values: values[0] + values[1],
    "-": lambda values: values[0] - values[1],
    "*": lambda values: values[0] * values[1],
    "min": min,
    "max": max,
}


def bounds_of(node: Node, bounds: Callable[[str], Bounds]) -> Bounds:
    """Between what a formula's value lies while each score lies between its bounds."""
    if isinstance(node, Score):
        return bounds(node.model)
    if isinstance(node, Number):
        return node.value, node.value
    parts = [bounds_of(part, bounds) for part in node.parts]
    return _bounds_of_call(node, parts)


def _bounds_of_call(node: Call, parts: list[Bounds]) -> Bounds:
    if node.name in {"min", "max"}:
        pick = min if node.name == "min" else max
        return pick(low for low, _ in parts), pick(high for _, high in parts)
    (a, b), (c, d) = parts
    if node.name == "+":
        return a + c, b + d
    if node.name == "-":
        return a - d, b - c
    products = (a * c, a * d, b * c, b * d)
    return min(products), max(products)

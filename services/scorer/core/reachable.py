"""Could time alone ever bring a lead to a higher stage? A bound that is quickly worked out.

Between events a score only rises by what time gives: rules that begin to hold or cease to, and
silences; and by losses that fade. So no score exceeds its gains so far, its losses left out, and
all that time may still give. What isn't bounded so easily counts as reachable.
"""

from __future__ import annotations

import math

from services.scorer.core.compiled import Rule, Ruleset
from services.scorer.core.ladder import TOLERANCE, Ladder
from shared.decay import sum_at
from shared.lead_state import ModelState, PartState, ScoreState


def can_be_reached(
    ruleset: Ruleset, ladder: Ladder, state: ScoreState, here: int, at_ms: int
) -> bool:
    """May a place above `here` be entered later than at_ms without an event? True: perhaps."""
    most: dict[str, float] = {}
    for _, enter in ladder.above[here]:
        for name in {name for name, _ in enter} - most.keys():
            most[name] = _most(ruleset, state, name, at_ms)
        if all(most[name] >= least - TOLERANCE for name, least in enter):
            return True
    return False


def _most(ruleset: Ruleset, state: ScoreState, name: str, at_ms: int) -> float:
    """What a score never exceeds from an instant on, while no event comes."""
    shown = ruleset.scores[name]
    if shown.formula is not None:
        return math.inf
    model = state.models.get(name)
    value = 0.0 if model is None else _gains(model, at_ms)
    for rule in ruleset.timed_rules:
        if rule.model == name:
            value += _may_give(rule, None if model is None else model.holding.get(rule.number))
    armed = state.watch.armed if state.watch is not None else {}
    for rule in ruleset.silence_rules:
        if rule.model == name and rule.number in armed:
            value += _may_give(rule, None)
    return min(shown.cap, max(shown.floor, value))


def _may_give(rule: Rule, held: float | None) -> float:
    """What a rule may add. held: what it gave while it holds, None when it doesn't."""
    if rule.points_of is not None:
        return math.inf
    if held is None:
        return max(rule.points, 0.0)
    return max(rule.points - held, -held, 0.0)


def _gains(model: ModelState, at_ms: int) -> float:
    parts = [PartState(model.sums)]
    parts += model.more.parts.values() if model.more is not None else ()
    value = 0.0
    for part in parts:
        for half_life, total in part.sums.items():
            value += max(sum_at(total, at_ms, half_life), 0.0)
        for amounts in (*part.windows.values(), *part.lines.values()):
            value += sum(max(amount, 0.0) for _, amount in amounts)
    return value

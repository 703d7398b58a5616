"""What points are worth at an instant, by model, without telling them one by one. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from services.console.ruleset_view import RulesetView
from shared.decay import faded, score_at
from shared.lead_state import ScoreState
from shared.ledger import decode_entries


def worth_of_entries(
    ruleset: RulesetView, granted: Iterable[tuple[int, bytes]], at_ms: int
) -> dict[str, float]:
    """The worth of stored entries, as (instant of granting, entries); none is after `at_ms`.

    Raises UnknownRuleError if an entry's rule isn't in the ruleset.
    """
    worth = dict.fromkeys(ruleset.models, 0.0)
    for granted_ms, stored in granted:
        for entry in decode_entries(stored):
            rule = ruleset.rule(entry.rule)
            worth[rule.model] += faded(entry.points, granted_ms, at_ms, rule.fades, rule.length_ms)
    return worth


def worth_of_state(ruleset: RulesetView, scores: ScoreState, at_ms: int) -> dict[str, float]:
    """The worth of all points of a lead; at_ms: not before its newest entry."""
    return {
        name: score_at(scores.models[name], at_ms) if name in scores.models else 0.0
        for name in ruleset.models
    }

"""What can cut a rule's points, by name and number: limit 3 per day, cap engagement 100."""

from __future__ import annotations

from shared.ruleset.condition_words import number_words
from shared.ruleset.model import Limit, Model, Rule


def bounds_in_words(name: str, model: Model, rule: Rule) -> dict[str, str]:
    """By what a ledger entry says of it (see shared.ledger), each bound of a rule in words.

    name: of the model.
    """
    words: dict[str, str] = {}
    if rule.limit is not None:
        words["limit"] = _limit(rule.limit)
    group = model.groups.get(rule.group) if rule.group is not None else None
    if group is not None:
        for period, most in (group.cap_per or {}).items():
            number = number_words(most)
            words[f"group cap per {period}"] = f"group {rule.group} cap {number} per {period}"
        if group.cap is not None:
            words["group cap"] = f"group {rule.group} cap {number_words(group.cap)}"
    for period, most in (model.cap_per or {}).items():
        words[f"cap per {period}"] = f"cap {name} {number_words(most)} per {period}"
    if model.cap is not None:
        words["cap"] = f"cap {name} {number_words(model.cap)}"
    if model.floor is not None:
        words["floor"] = f"floor {name} {number_words(model.floor)}"
    return words


def _limit(limit: Limit) -> str:
    per = "" if limit.per == "ever" else f" per {limit.per}"
    if limit.once_per is None:
        times = limit.times or 1
        return f"limit {times}{per}" if per or times > 1 else "limit once"
    values = "" if limit.times is None else f", {limit.times} values at most"
    return f"limit once{per} for each {limit.once_per}{values}"

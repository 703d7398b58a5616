"""A ruleset document compiled for scoring: rules in order, their index, and the ladder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.scorer.core.conditions import Check, Getter, compile_condition, getter
from services.scorer.core.ladder import Ladder, compile_ladder
from services.scorer.core.rule_index import RuleIndex
from shared.ruleset.document import MAX_DISTINCT_VALUES, Condition, Limit, Model, RulesetDocument
from shared.ruleset.document import Rule as RuleDocument

JOURNEY = "main"

_HOUR = 3_600_000
_DAY = 24 * _HOUR
# Length and offset in ms. Weeks begin on Monday, and 1970 began on a Thursday.
_PERIODS = {
    "hour": (_HOUR, 0),
    "day": (_DAY, 0),
    "week": (7 * _DAY, 3 * _DAY),
    "month": (0, 0),
    "ever": (1 << 62, 1 << 61),
}


@dataclass(slots=True, eq=False)
class Rule:
    """One rule, ready to grant.

    order: its place in the ruleset · number: in the table rule_number · name: "model/rule" ·
    half_life: ms, 0 where nothing decays · cap: of its model, infinity for none · most: how many
    times (or distinct values) score per period, 0 without a limit · value_of: the field of
    once_per · period_ms, period_offset_ms: periods of the calendar in UTC are numbered by
    (instant + offset) // length; length 0 stands for months · on_trait: holds while its check
    is true, instead of scoring per event.
    """

    order: int
    number: int
    name: str
    model: str
    points: float
    half_life: int
    cap: float
    check: Check | None
    condition: Condition | None
    on: tuple[str, ...]
    period_ms: int
    period_offset_ms: int
    most: int
    value_of: Getter | None
    on_trait: bool


@dataclass(slots=True, eq=False)
class Ruleset:
    """A compiled version. Holds memos of its own index, and nothing else that changes."""

    version: int
    models: tuple[str, ...]
    rules: tuple[Rule, ...]
    index: RuleIndex
    trait_rules: tuple[Rule, ...]
    trait_names: frozenset[str]
    ladders: dict[str, Ladder]
    by_number: dict[int, Rule] = field(default_factory=dict)


def compile_ruleset(
    document: RulesetDocument, rule_numbers: Mapping[str, int], version: int
) -> Ruleset:
    """Compile an accepted document. rule_numbers: number by "model/rule", for every rule."""
    rules: list[Rule] = []
    for model_name, model in document.models.items():
        for rule in model.rules:
            number = rule_numbers[f"{model_name}/{rule.id}"]
            rules.append(_compile_rule(rule, model_name, model, len(rules), number))
    ladder = compile_ladder(JOURNEY, document.stages.ladder, tuple(document.models))
    trait_rules = tuple(rule for rule in rules if rule.on_trait)
    return Ruleset(
        version=version,
        models=tuple(document.models),
        rules=tuple(rules),
        index=RuleIndex([rule for rule in rules if not rule.on_trait]),
        trait_rules=trait_rules,
        trait_names=frozenset(
            name for rule in rules if rule.condition for name in _traits_read(rule.condition)
        ),
        ladders={JOURNEY: ladder},
        by_number={rule.number: rule for rule in rules},
    )


def _compile_rule(
    rule: RuleDocument, model_name: str, model: Model, order: int, number: int
) -> Rule:
    decay = rule.decay if rule.decay is not None else model.decay
    limit = rule.limit
    period_ms, offset_ms = _PERIODS[limit.per if limit is not None else "ever"]
    return Rule(
        order=order,
        number=number,
        name=f"{model_name}/{rule.id}",
        model=model_name,
        points=float(rule.points),
        half_life=(decay.half_life or 0) if rule.on is not None else 0,
        cap=float("inf") if model.cap is None else float(model.cap),
        check=None if rule.when is None else compile_condition(rule.when),
        condition=rule.when,
        on=tuple(rule.on or ()),
        period_ms=period_ms,
        period_offset_ms=offset_ms,
        most=_most(limit),
        value_of=getter(limit.once_per) if limit is not None and limit.once_per else None,
        on_trait=rule.on is None,
    )


def _most(limit: Limit | None) -> int:
    if limit is None:
        return 0
    if limit.once_per is None:
        return limit.times or 1
    return min(limit.times or MAX_DISTINCT_VALUES, MAX_DISTINCT_VALUES)


def _traits_read(condition: Condition) -> set[str]:
    names: set[str] = set()
    for part in (*(condition.all_ or ()), *(condition.any_ or ())):
        names |= _traits_read(part)
    if condition.not_ is not None:
        names |= _traits_read(condition.not_)
    if condition.field is not None and condition.field.startswith("traits."):
        names.add(condition.field.split(".")[1])
    return names

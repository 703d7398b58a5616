"""The part of a ruleset that people are shown: the ladder's words, and each rule's decay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shared.ruleset.document import Model, Rule, RulesetDocument


class UnknownRuleError(LookupError):
    """An entry names a rule that its ruleset version doesn't have."""


@dataclass(frozen=True, slots=True)
class RuleView:
    """name: the rule's id within its model · half_life_ms: 0 means that nothing decays ·
    say: the reason in words, may be empty; see shared.ruleset.wording.
    """

    model: str
    name: str
    half_life_ms: int
    say: str


@dataclass(frozen=True, slots=True)
class RulesetView:
    """One version. ladder: labels by stage, in ladder order · rules: by number."""

    version: int
    models: tuple[str, ...]
    ladder: dict[str, list[str]]
    rules: dict[int, RuleView]

    def rule(self, number: int) -> RuleView:
        """Raises UnknownRuleError if this version has no such rule."""
        try:
            return self.rules[number]
        except KeyError:
            raise UnknownRuleError(
                f"ruleset version {self.version} has no rule with number {number}"
            ) from None


def view_of(
    version: int, document: RulesetDocument, rule_numbers: Mapping[str, int]
) -> RulesetView:
    """The view of a stored version; rule_numbers: by "model/rule"."""
    return RulesetView(
        version=version,
        models=tuple(document.models),
        ladder={stage.name: list(stage.labels) for stage in document.stages.ladder},
        rules={
            rule_numbers[f"{name}/{rule.id}"]: RuleView(
                name, rule.id, half_life_ms(model, rule), rule.say
            )
            for name, model in document.models.items()
            for rule in model.rules
        },
    )


def half_life_ms(model: Model, rule: Rule) -> int:
    """The half-life of what a rule gives. What holds while a trait does never decays."""
    if rule.on is None:
        return 0
    return (rule.decay or model.decay).half_life or 0

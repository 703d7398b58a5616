"""The part of a ruleset that people are shown: the stages' words, and how each rule fades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compile_rule import fading_of
from services.scorer.core.compiled import Ruleset
from shared.decay import Kind
from shared.ruleset.bound_words import bounds_in_words
from shared.ruleset.document import RulesetDocument


class UnknownRuleError(LookupError):
    """An entry names a rule that its ruleset version doesn't have."""


@dataclass(frozen=True, slots=True)
class RuleView:
    """name: the rule's id within its model · fades, length_ms: see shared.decay.faded, where
    length 0 means that nothing fades · say: the reason in words, may be empty; see
    shared.ruleset.wording · bounds: what can cut its points, see shared.ruleset.bound_words.
    """

    model: str
    name: str
    fades: Kind
    length_ms: int
    say: str
    bounds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RulesetView:
    """One version. journeys: by name, main first, the labels of each stage: those of the ladder in
    its order, then those beside it · rules: by number · core: the same version compiled, for what
    the scoring core computes.
    """

    version: int
    models: tuple[str, ...]
    journeys: dict[str, dict[str, list[str]]]
    rules: dict[int, RuleView]
    core: Ruleset = field(repr=False, compare=False)

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
        journeys=document.labels(),
        rules={
            rule_numbers[f"{name}/{rule.id}"]: RuleView(
                name,
                rule.id,
                *fading_of(model, rule),
                rule.say,
                bounds_in_words(name, model, rule),
            )
            for name, model in document.models.items()
            for rule in model.rules
        },
        core=compile_ruleset(document, rule_numbers, version),
    )

"""The ruleset as people write it: score models, and the stage ladder."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from shared.ruleset.condition import Condition
from shared.ruleset.model import (
    MAX_DISTINCT_VALUES,
    MAX_RULES,
    Band,
    Decay,
    Grade,
    Limit,
    Model,
    Rule,
)
from shared.ruleset.part import Duration, Name, Number, Part, Text, as_list
from shared.ruleset.scenarios import Scenarios

__all__ = [
    "MAX_DISTINCT_VALUES",
    "MAX_RULES",
    "Band",
    "Condition",
    "Decay",
    "Grade",
    "Limit",
    "Model",
    "Rule",
    "RulesetDocument",
    "Stage",
    "Stages",
]


class Stage(Part):
    """A rung of the ladder.

    labels: what people call it, such as MQL · enter: least scores, all must hold · leave: falls
    when any score is below · dwell: stays at least this long before it can fall · handoff: who
    gets the lead when it enters.
    """

    name: Name
    title: Text = ""
    labels: Annotated[list[Text], BeforeValidator(as_list)] = Field([], max_length=10)
    enter: dict[str, Number] | None = None
    leave: dict[str, Number] | None = None
    dwell: Duration | None = None
    handoff: Literal["content", "sales"] | None = None


class Stages(Part):
    """The journey called main."""

    ladder: Annotated[list[Stage], Field(min_length=1, max_length=50)]


class RulesetDocument(Part):
    """A whole ruleset, checked in itself; reading.py checks that its parts fit together."""

    name: Text = ""
    description: Annotated[str, Field(max_length=4000)] = ""
    models: Annotated[dict[Name, Model], Field(min_length=1, max_length=50)]
    grade: Grade | None = None
    bands: dict[Name, Annotated[list[Band], Field(min_length=1, max_length=20)]] = Field({})
    stages: Stages
    tests: Scenarios = Field([])

    def rule_names(self) -> list[str]:
        """Every rule as "model/rule", in order of granting."""
        return [f"{model}/{rule.id}" for model, m in self.models.items() for rule in m.rules]

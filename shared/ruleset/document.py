"""The ruleset as people write it: score models, stages and journeys, and its own tests."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shared.ruleset.accounts import Accounts
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
from shared.ruleset.part import Name, Part, Text
from shared.ruleset.scenarios import Scenarios
from shared.ruleset.stages import Journey, Named, SideStage, Stage, Stages

__all__ = [
    "MAX_DISTINCT_VALUES",
    "MAX_RULES",
    "Band",
    "Condition",
    "Decay",
    "Grade",
    "Journey",
    "Limit",
    "Model",
    "Named",
    "Rule",
    "RulesetDocument",
    "SideStage",
    "Stage",
    "Stages",
]


class RulesetDocument(Part):
    """A whole ruleset, checked in itself; reading.py checks that its parts fit together."""

    name: Text = ""
    description: Annotated[str, Field(max_length=4000)] = ""
    personas: Annotated[list[Named], Field(max_length=50)] = Field([])
    segments: Annotated[list[Named], Field(max_length=200)] = Field([])
    models: Annotated[dict[Name, Model], Field(min_length=1, max_length=50)]
    grade: Grade | None = None
    bands: dict[Name, Annotated[list[Band], Field(min_length=1, max_length=20)]] = Field({})
    accounts: Accounts | None = None
    stages: Stages
    journeys: Annotated[dict[Name, Journey], Field(max_length=20)] = Field({})
    tests: Scenarios = Field([])

    def rule_names(self) -> list[str]:
        """Every rule as "model/rule", in order of granting."""
        return [f"{model}/{rule.id}" for model, m in self.models.items() for rule in m.rules]

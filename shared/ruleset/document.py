"""The ruleset as people write it: score models, stages and journeys, and its own tests."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shared.ruleset.accounts import Accounts
from shared.ruleset.condition import Condition
from shared.ruleset.consent import ConsentPolicy
from shared.ruleset.handoffs import SEQUENCE_ROW, HandoffRow, HandoffRows
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
from shared.ruleset.sales import Sales
from shared.ruleset.scenarios import Scenarios
from shared.ruleset.sequences import DEFAULT_LIMITS, SequenceLimits, Sequences
from shared.ruleset.signals import Machines, Signals
from shared.ruleset.stages import MAIN, Journey, Named, SideStage, Stage, Stages, all_stages
from shared.ruleset.suppress import Suppress

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
    consent: ConsentPolicy | None = None
    signals: Annotated[Signals, Field(max_length=100)] = Field({})
    machines: Machines | Literal["off"] = Machines()
    stages: Stages
    journeys: Annotated[dict[Name, Journey], Field(max_length=20)] = Field({})
    handoffs: HandoffRows = Field([])
    suppress: Suppress | None = None
    sales: Sales | None = None
    sequences: Sequences = Field({})
    sequence_limits: SequenceLimits = DEFAULT_LIMITS
    tests: Scenarios = Field([])

    def all_journeys(self) -> dict[str, Stages | Journey]:
        """Every journey by its name, main first."""
        return {MAIN: self.stages, **self.journeys}

    def all_rows(self) -> list[HandoffRow]:
        """The hand-off table, and how sequences are entered, as rows that start them."""
        found = list(self.handoffs)
        for name, sequence in self.sequences.items():
            if sequence.enter is not None:
                row = {
                    "id": f"{SEQUENCE_ROW}{name}"[:64],
                    "title": sequence.title,
                    "stage": sequence.enter.stage,
                    "segment": sequence.enter.segment,
                    "journey": sequence.journey if sequence.enter.stage else MAIN,
                    "when": sequence.enter.when,
                    "do": {"start": [name]},
                }
                found.append(HandoffRow.model_validate(row))
        return found

    def labels(self) -> dict[str, dict[str, list[str]]]:
        """What people call each stage, by journey: the ladder's in its order, then those beside."""
        return {
            name: {stage.name: list(stage.labels) for stage in all_stages(stages)}
            for name, stages in self.all_journeys().items()
        }

    def rule_names(self) -> list[str]:
        """Every rule as "model/rule", in order of granting."""
        return [f"{model}/{rule.id}" for model, m in self.models.items() for rule in m.rules]

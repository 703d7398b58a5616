"""The ruleset as people write it: models with rules, and the stage ladder."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from shared.ruleset.part import (
    MAX_POINTS,
    Duration,
    Name,
    Number,
    Part,
    Path,
    Points,
    Text,
    Texts,
    as_list,
    refuse,
)
from shared.ruleset.scenarios import Scenarios

MAX_RULES = 5000
MAX_DISTINCT_VALUES = 200

Scalar = str | int | float | bool
Period = Literal["hour", "day", "week", "month", "ever"]


def _decay(value: Any) -> Any:
    return {} if value == "none" else value


def _limit(value: Any) -> Any:
    return {"times": 1} if value == "once" else value


class Condition(Part):
    """One of all, any, not, or a field with operators; all operators given must hold."""

    all_: list[Condition] | None = Field(None, alias="all", min_length=1)
    any_: list[Condition] | None = Field(None, alias="any", min_length=1)
    not_: Condition | None = Field(None, alias="not")
    field: Path | None = None
    eq: Scalar | None = None
    ne: Scalar | None = None
    in_: Annotated[list[Scalar], Field(min_length=1)] | None = Field(None, alias="in")
    glob: Texts | None = None
    contains: Texts | None = None
    matches: Texts | None = None
    gt: Number | None = None
    gte: Number | None = None
    lt: Number | None = None
    lte: Number | None = None
    exists: bool | None = None
    ignore_case: bool = False

    @property
    def operators(self) -> list[str]:
        """The operators given, by their names in the document."""
        return [name for name in OPERATORS if getattr(self, _ATTRIBUTE.get(name, name)) is not None]

    @model_validator(mode="after")
    def _one_kind(self) -> Condition:
        kinds = [k for k in ("all", "any", "not") if getattr(self, f"{k}_") is not None]
        if self.field is not None:
            kinds.append("field")
        operators = self.operators
        if len(kinds) != 1 or (operators and kinds != ["field"]):
            raise refuse(
                "condition",
                "a condition is one of all, any, not, or a field with operators",
                "put several of them into a list under all: or any:",
            )
        if kinds == ["field"] and not operators:
            raise refuse(
                "condition",
                f"nothing is asked of {self.field}",
                f"add an operator: {', '.join(OPERATORS)}",
            )
        return self


OPERATORS = (
    "eq", "ne", "in", "glob", "contains", "matches", "gt", "gte", "lt", "lte", "exists",
)  # fmt: skip
_ATTRIBUTE = {"in": "in_"}


class Decay(Part):
    """How points fade: `decay: none`, or {half_life: 30d}. half_life: ms, None for none."""

    half_life: Duration | None = None


class Limit(Part):
    """How often a rule may score: `limit: once`, {times: 3, per: day}, {once_per: FIELD}, or
    {once_per: FIELD, times: 5, per: day}: each value once, and at most five values a day.
    """

    times: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    per: Period = "ever"
    once_per: Path | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Limit:
        if self.times is None and self.once_per is None:
            raise refuse(
                "limit",
                "a limit needs times or once_per",
                "write once, {times: 3, per: day} or {once_per: properties.content_id}",
            )
        return self


class Rule(Part):
    """Points for events of some types, or, without `on`, for as long as traits match.

    say: the reason in words, with {properties.title} and the like filled in from the event.
    """

    id: Name
    on: Texts | None = None
    when: Condition | None = None
    points: Points
    limit: Annotated[Limit, BeforeValidator(_limit)] | None = None
    decay: Annotated[Decay, BeforeValidator(_decay)] | None = None
    say: Text = ""


class Model(Part):
    """One score. cap: what it never exceeds by new points."""

    title: Text = ""
    decay: Annotated[Decay, BeforeValidator(_decay)] = Decay()
    cap: Annotated[float, Field(gt=0, le=MAX_POINTS, allow_inf_nan=False)] | None = None
    rules: Annotated[list[Rule], Field(max_length=MAX_RULES)]


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
    stages: Stages
    tests: Scenarios = Field([])

    def rule_names(self) -> list[str]:
        """Every rule as "model/rule", in order of granting."""
        return [f"{model}/{rule.id}" for model, m in self.models.items() for rule in m.rules]

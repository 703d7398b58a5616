"""Conditions as people write them: over an event's fields, the lead's traits, and what it did."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from shared.ruleset.part import Duration, Name, Number, Part, Path, Texts, refuse

MAX_COUNT = 100
MAX_SEEN = 1000
MAX_STEPS = 5

Scalar = str | int | float | bool
AtLeast = Annotated[int, Field(ge=1, le=MAX_COUNT)]


class Condition(Part):
    """One of all, any, not, segment, persona, count, since, quiet, sequence, seen, cel, or a field
    with operators; all operators given must hold.
    """

    all_: list[Condition] | None = Field(None, alias="all", min_length=1)
    any_: list[Condition] | None = Field(None, alias="any", min_length=1)
    not_: Condition | None = Field(None, alias="not")
    segment: Name | None = None
    persona: Name | None = None
    count: Count | None = None
    since: Since | None = None
    quiet: Quiet | None = None
    sequence: Sequence | None = None
    seen: Seen | None = None
    cel: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
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

    @property
    def parts(self) -> list[tuple[tuple[str | int, ...], Condition]]:
        """The conditions under all, any and not, with their paths below this one."""
        found: list[tuple[tuple[str | int, ...], Condition]] = []
        for key, parts in (("all", self.all_), ("any", self.any_)):
            found += [((key, number), part) for number, part in enumerate(parts or ())]
        if self.not_ is not None:
            found.append((("not",), self.not_))
        return found

    @model_validator(mode="after")
    def _one_kind(self) -> Condition:
        kinds = [key for key in KINDS if getattr(self, _ATTRIBUTE.get(key, key)) is not None]
        operators = self.operators
        if len(kinds) != 1 or (operators and kinds != ["field"]):
            raise refuse(
                "condition",
                f"a condition is one of {', '.join(KINDS[:-1])}, or a field with operators",
                "put several of them into a list under all: or any:",
            )
        if kinds == ["field"] and not operators:
            raise refuse(
                "condition",
                f"nothing is asked of {self.field}",
                f"add an operator: {', '.join(OPERATORS)}",
            )
        return self


class Count(Part):
    """How many matching events lie in the time before: at least, or at most so many."""

    on: Texts
    when: Condition | None = None
    within: Duration
    at_least: AtLeast | None = None
    at_most: Annotated[int, Field(ge=0, lt=MAX_COUNT)] | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Count:
        if (self.at_least is None) == (self.at_most is None):
            raise refuse("count", "a count needs at_least or at_most", "give one of the two")
        return self


class Since(Part):
    """A matching event lies in the time before."""

    on: Texts
    when: Condition | None = None
    within: Duration


class Quiet(Part):
    """No matching event (any, without on) for so long; counted from the first event if there
    never was one.
    """

    on: Texts | None = None
    when: Condition | None = None
    for_: Duration = Field(alias="for")


class Step(Part):
    """One step of a sequence."""

    on: Texts
    when: Condition | None = None


class Sequence(Part):
    """The event is the last step, and the others came before it in order, the first of them not
    longer ago than `within`.
    """

    steps: Annotated[list[Step], Field(min_length=2, max_length=MAX_STEPS)]
    within: Duration


class Seen(Part):
    """At least so many matching events, ever."""

    on: Texts
    when: Condition | None = None
    at_least: Annotated[int, Field(ge=1, le=MAX_SEEN)] = 1


KINDS = (
    "all", "any", "not", "segment", "persona", "count", "since", "quiet", "sequence", "seen", "cel",
    "field",
)  # fmt: skip
OPERATORS = (
    "eq", "ne", "in", "glob", "contains", "matches", "gt", "gte", "lt", "lte", "exists",
)  # fmt: skip
_ATTRIBUTE = {"all": "all_", "any": "any_", "not": "not_", "in": "in_"}

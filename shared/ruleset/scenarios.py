"""Scenarios: the tests inside a ruleset, as people write them.

A scenario tells what a lead did on which days, and what is expected of its scores and stages.
Days are counted from the scenario's `begin`, which is day 0.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from shared.ruleset.part import Duration, Number, Part, Text, as_list, refuse

MAX_SCENARIOS = 500
MAX_EVENTS = 1000
MAX_DAY = 3650

# A Monday, so that calendar weeks and months begin together with the story.
DEFAULT_BEGIN = "2026-06-01"
FIRST_HOUR = 9

Day = Annotated[int, Field(ge=0, le=MAX_DAY)]
Hour = Annotated[float, Field(ge=0, lt=24, allow_inf_nan=False)]
Names = Annotated[list[Text], BeforeValidator(as_list), Field(max_length=100)]
Count = Annotated[int, Field(ge=0, le=1000)]


def _range(value: Any) -> Any:
    """45 is as good as {from: 45, to: 45}."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"from": value, "to": value}
    return value


def _by_journey(value: Any) -> Any:
    return {"main": value} if isinstance(value, str) else value


def _counts(value: Any) -> Any:
    """sales: at least one to sales, {sales: 1}: just one, none: none at all."""
    if value == "none":
        return {"content": 0, "sales": 0}
    return {value: None} if isinstance(value, str) else value


class Range(Part):
    """A score as it is shown, to two digits: one number, or {from: 40, to: 60} with either left
    out.
    """

    from_: Number | None = Field(None, alias="from")
    to: Number | None = None

    @model_validator(mode="after")
    def _asks_something(self) -> Range:
        if self.from_ is None and self.to is None:
            raise refuse("range", "nothing is expected", "write a number, or {from: 40, to: 60}")
        return self

    def holds(self, value: float) -> bool:
        """Is the value, rounded to two digits as it is shown, in the range?"""
        shown = round(value, 2)
        least = self.from_ is None or shown >= round(self.from_, 2)
        return least and (self.to is None or shown <= round(self.to, 2))


class ScenarioLead(Part):
    """Who the lead is. With an email, user id or phone it is known; else it is anonymous.

    traits: what the first event brings along.
    """

    email: Text | None = None
    user_id: Text | None = None
    anonymous_id: Text | None = None
    phone: Text | None = None
    traits: dict[str, Any] = Field({})

    @property
    def known(self) -> bool:
        return any((self.email, self.user_id, self.phone))


class ScenarioEvent(Part):
    """Something the lead did.

    day, hour: when; without an hour it is 09:00, or a minute after the event before on that day ·
    path: of the page, short for context.page.path · times, every: the same again · bot: judged to
    be of a robot.
    """

    day: Day = 0
    hour: Hour | None = None
    type: Annotated[str, Field(min_length=1, max_length=100)]
    path: Text | None = None
    properties: dict[str, Any] = Field({})
    traits: dict[str, Any] = Field({})
    context: dict[str, Any] = Field({})
    source: Text = "web"
    consent: dict[str, Any] = Field({})
    bot: bool = False
    times: Annotated[int, Field(ge=1, le=MAX_EVENTS)] = 1
    every: Duration | None = None


class Expectation(Part):
    """How the lead stands at an instant.

    day, hour: when; without an hour it is after the last event of that day (09:00 if there is
    none), without a day after the last event of all. handoff: what was handed over since the
    expectation before.
    """

    day: Day | None = None
    hour: Hour | None = None
    score: dict[str, Annotated[Range, BeforeValidator(_range)]] = Field({})
    grade: Text | None = None
    band: dict[str, Text] = Field({})
    stage: Annotated[dict[str, Text], BeforeValidator(_by_journey)] = Field({})
    handoff: (
        Annotated[
            dict[Literal["content", "sales"], Count | None],
            Field(min_length=1),
            BeforeValidator(_counts),
        ]
        | None
    ) = None
    persona: Text | None = None
    segment: Names = Field([])
    not_segment: Names = Field([])

    @model_validator(mode="after")
    def _asks_something(self) -> Expectation:
        asked = self.model_fields_set - {"day", "hour"}
        if not asked:
            raise refuse("expect", "nothing is expected", "add score:, stage:, grade: or handoff:")
        if self.hour is not None and self.day is None:
            raise refuse("expect", "an hour without a day", "add day:")
        return self


class Scenario(Part):
    """One test: a story, and what is expected of it."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    begin: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = DEFAULT_BEGIN
    lead: ScenarioLead = ScenarioLead(email="lead@example.com")
    events: Annotated[list[ScenarioEvent], Field(min_length=1, max_length=MAX_EVENTS)]
    expect: Annotated[
        list[Expectation], BeforeValidator(as_list), Field(min_length=1, max_length=100)
    ]

    @model_validator(mode="after")
    def _begins_on_a_day(self) -> Scenario:
        try:
            begin = date.fromisoformat(self.begin)
        except ValueError:
            begin = date.min
        if not 1970 <= begin.year <= 2200:
            raise refuse("begin", f"{self.begin} is no day", "write YEAR-MONTH-DAY")
        if sum(event.times for event in self.events) > MAX_EVENTS:
            raise refuse("events", f"more than {MAX_EVENTS} events", "lower times:")
        return self


Scenarios = Annotated[list[Scenario], Field(max_length=MAX_SCENARIOS)]

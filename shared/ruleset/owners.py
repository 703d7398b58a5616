"""Whose a lead becomes in sales, as people write it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from shared.ruleset.condition import Condition
from shared.ruleset.model import Instant, Positive
from shared.ruleset.part import Name, Part, Path, Text, as_list, refuse

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekdays = Annotated[list[Weekday], BeforeValidator(as_list), Field(min_length=1, max_length=7)]
ClockTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
MAX_OWNERS = 500


class Hours(Part):
    """When somebody works: from one time of day to another, on some days."""

    days: Weekdays = Field(["mon", "tue", "wed", "thu", "fri"])
    from_: ClockTime = Field("09:00", alias="from")
    to: ClockTime = "17:00"
    time_zone: Text = "UTC"

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Hours:
        if self.from_ >= self.to:
            raise refuse("hours", f"{self.from_} isn't before {self.to}", "swap the two")
        return self


class Absence(Part):
    """from ≤ now < to, in ms; without `to` until further notice."""

    from_: Instant = Field(alias="from")
    to: Instant | None = None


class Owner(Part):
    """Somebody leads are given to. weight: how many, beside the others · when: only leads for which
    this holds, such as a territory · least_value: only leads worth as much, see Owners.value.
    """

    id: Name
    title: Text = ""
    email: Annotated[str, Field(pattern=r"^[^@\s,<>]{1,64}@[^@\s,<>]{1,190}$")] | None = None
    weight: Positive = 1.0
    when: Condition | None = None
    least_value: Positive | None = None
    hours: Hours | None = None
    absent: Annotated[list[Absence], BeforeValidator(as_list), Field(max_length=100)] = Field([])


class Owners(Part):
    """by: in turns, so that each gets leads by weight, or hash, the same owner for a lead whatever
    came before · value: the trait that says what a lead is worth · company_first: who has somebody
    of a company gets the next one, too.
    """

    by: Literal["turns", "hash"] = "turns"
    value: Path | None = None
    company_first: bool = True
    team: Annotated[list[Owner], Field(min_length=1, max_length=MAX_OWNERS)]

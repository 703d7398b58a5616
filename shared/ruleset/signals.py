"""What makes two events one signal, and what makes a click a machine's, as rulesets write it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from shared.ruleset.part import Duration, Part, Path, as_list


class SameSignal(Part):
    """Events of a type that agree in all these fields are one signal. within: as long as this
    after the first; without it, for good.
    """

    same: Annotated[list[Path], BeforeValidator(as_list), Field(min_length=1, max_length=4)]
    within: Duration | None = None


# By event type; every: each event of it counts.
Signals = dict[str, SameSignal | Literal["every"]]


# What lies further apart a lead's state doesn't remember.
Seconds = Annotated[Duration, Field(ge=0, le=60_000)]


class Machines(Part):
    """When clicks of one mail are a machine's: so many different links within a time, or a click
    so soon after the delivery, before any opening. Times of a minute at most, in ms.
    """

    links: Annotated[int, Field(ge=2, le=50)] = 5
    within: Seconds = 10_000
    after_delivery: Seconds = 2_000

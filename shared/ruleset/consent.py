"""What holds for people who haven't said what they allow, as rulesets write it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shared.consent import Purpose
from shared.ruleset.condition import Condition
from shared.ruleset.part import Name, Part, Text

Defaults = dict[Purpose, Literal["granted", "denied"]]


class Region(Part):
    """People, by where they are or which source told of them, and what holds for them."""

    id: Name
    title: Text = ""
    when: Condition
    default: Defaults = Field({})


class ConsentPolicy(Part):
    """What holds for each purpose until the person says otherwise.

    default: granted where a purpose is left out · regions: a lead is in the first that fits the
    newest event that fits any; purposes that it leaves out are as in `default`.
    """

    default: Defaults = Field({})
    regions: Annotated[list[Region], Field(max_length=50)] = Field([])

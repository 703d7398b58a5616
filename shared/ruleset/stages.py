"""Stages as people write them: ladders, the stages beside them, journeys, and named conditions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from shared.ruleset.condition import Condition
from shared.ruleset.part import Duration, Name, Number, Part, Text, Texts, as_list, refuse

Labels = Annotated[list[Text], BeforeValidator(as_list)]
Names = Annotated[list[Name], BeforeValidator(as_list), Field(min_length=1, max_length=50)]
Receiver = Literal["content", "sales"]

LADDER = "ladder"
# The journey that every lead is on.
MAIN = "main"


class Named(Part):
    """A persona or segment: a condition with a name."""

    id: Name
    title: Text = ""
    when: Condition


class Stage(Part):
    """A rung of the ladder.

    labels: what people call it, such as MQL · enter: least scores, all must hold · when: what must
    hold beside · from: the stages it may be entered from, any when left out · leave: falls when
    any score is below · dwell: stays at least this long before it can fall · handoff: who gets
    the lead when it enters.
    """

    name: Name
    title: Text = ""
    labels: Labels = Field([], max_length=10)
    enter: dict[str, Number] | None = None
    when: Condition | None = None
    from_: Names | None = Field(None, alias="from")
    leave: dict[str, Number] | None = None
    dwell: Duration | None = None
    handoff: Receiver | None = None


class SideLeave(Part):
    """What ends a side stage: any of these."""

    after: Duration | None = None
    on: Texts | None = None
    when: Condition | None = None


class SideStage(Part):
    """A stage beside the ladder, such as dormant or disqualified. It wins over the ladder.

    on: events that bring a lead here; event_when: only those for which it holds · when: what must
    hold; without `on`, the lead is here as soon as it does · from: the stages it may be entered
    from, any when left out · leave: what ends it; left out, a stage
    with nothing but `when` ends with that, and any other only by hand · back_to: a stage of the
    ladder, or "ladder" for the one that the scores give.
    """

    name: Name
    title: Text = ""
    labels: Labels = Field([], max_length=10)
    on: Texts | None = None
    event_when: Condition | None = None
    when: Condition | None = None
    from_: Names | None = Field(None, alias="from")
    leave: SideLeave | None = None
    back_to: Name = LADDER
    handoff: Receiver | None = None

    @model_validator(mode="after")
    def _can_be_entered(self) -> SideStage:
        if self.on is None and self.when is None:
            raise refuse(
                "side", f"nothing brings a lead to {self.name}", "add on: TYPES or when: CONDITION"
            )
        if self.event_when is not None and self.on is None:
            raise refuse("side", "event_when asks about an event", "name the event types under on:")
        return self


AnyStage = Stage | SideStage
Ladder = Annotated[list[Stage], Field(min_length=1, max_length=50)]
Sides = Annotated[list[SideStage], Field(max_length=20)]


class Stages(Part):
    """The journey called main."""

    ladder: Ladder
    side: Sides = Field([])


class Journey(Part):
    """A further journey, such as a renewal. when: it begins once this holds; at once without."""

    title: Text = ""
    when: Condition | None = None
    ladder: Ladder
    side: Sides = Field([])


def all_stages(stages: Stages | Journey) -> list[AnyStage]:
    """The ladder's, then those beside it."""
    return [*stages.ladder, *stages.side]

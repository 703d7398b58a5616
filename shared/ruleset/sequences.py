"""Nurture sequences as people write them: for whom, what they get when, and what ends them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from shared.ruleset.condition import Condition
from shared.ruleset.model import Positive
from shared.ruleset.owners import ClockTime, Hours
from shared.ruleset.part import Duration, Name, Number, Part, Path, Text, Texts, as_list, refuse
from shared.ruleset.stages import MAIN, Names

Channel = Literal["email", "direct_mail", "sms", "social_audience", "phone_task"]
Purpose = Literal["nurture", "customer"]
For = Literal["prospects", "buyers", "all"]
MAX_STEPS = 50
MAX_DAY = 1000
DAY_MS = 86_400_000
# What shows that somebody has bought, where a ruleset doesn't say.
BOUGHT: list[str] = ["purchase_made", "subscription_renewed", "deal_won"]
REPLIED: list[str] = ["email_replied", "meeting_booked", "demo_requested"]


class Content(Part):
    """What whoever sends it shows: id in their tool, its title, where it is, and its kind."""

    id: Name
    title: Text = ""
    url: Text = ""
    kind: Text = ""


class Choice(Part):
    """Content for some; all that is asked must hold. for: prospects get what is meant before a
    purchase, buyers what comes after · stage: where the lead stands on the sequence's journey ·
    score: least points, by model · interest: one of these categories, tastes or brands is among
    what the person's deeds are about · channel: it goes this way, and before others to who prefers
    it.
    """

    for_: For | None = Field(None, alias="for")
    when: Condition | None = None
    stage: Names | None = None
    score: Annotated[dict[str, Number], Field(min_length=1, max_length=10)] | None = None
    interest: Annotated[Texts, Field(min_length=1, max_length=50)] | None = None
    channel: Channel | None = None
    content: Content


class SequenceStep(Part):
    """day: so many days after the start · content: the first choice that fits; with none the step
    is left out · late: what becomes of it if it couldn't go out in time (more than `tolerance`).
    """

    id: Name
    day: Annotated[int, Field(ge=0, le=MAX_DAY)]
    title: Text = ""
    channel: Channel | None = None
    content: Annotated[list[Choice], BeforeValidator(as_list), Field(min_length=1, max_length=50)]
    arm: Annotated[list[Name], BeforeValidator(as_list)] | None = None
    late: Literal["send", "skip"] | None = None


class Enter(Part):
    """Who begins it: whoever enters one of these stages, or comes to be in this segment."""

    stage: Names | None = None
    segment: Name | None = None
    when: Condition | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Enter:
        if (self.stage is None) == (self.segment is None):
            raise refuse(
                "enter", "a sequence is entered by stage or by segment", "name one of them"
            )
        return self


class Exit(Part):
    """What ends a sequence before its last step. on: events (a reply, a purchase) · stage: the lead
    enters one of these · when: this holds · sales: a salesperson is at work on the lead: pause
    until they are done, or exit.
    """

    on: Texts | None = None
    stage: Names | None = None
    when: Condition | None = None
    sales: Literal["pause", "exit"] = "pause"


class NurtureSequence(Part):
    """enter: left out, by hand or by the hand-off table alone · goal: reached, it ends well ·
    again_after: nobody begins it again before; never where left out · arms: A/B by weight, the same
    for a lead always · hours: in the lead's time zone (time_zone: the trait that says it), else in
    that of the hours · prefers: the trait that says by which channel a lead would rather be reached
    · late, tolerance: of steps that don't say.
    """

    title: Text = ""
    journey: Name = MAIN
    enter: Enter | None = None
    audience: Condition | None = None
    goal: Condition | None = None
    exit: Exit = Exit()
    channel: Channel = "email"
    purpose: Purpose = "nurture"
    again_after: Duration | None = None
    arms: Annotated[dict[Name, Positive], Field(min_length=2, max_length=10)] | None = None
    hours: Hours = Hours.model_validate({"from": "09:00", "to": "17:00"})
    time_zone: Path = "traits.time_zone"
    prefers: Path = "traits.preferred_channel"
    late: Literal["send", "skip"] = "send"
    tolerance: Duration = DAY_MS
    steps: Annotated[list[SequenceStep], Field(min_length=1, max_length=MAX_STEPS)]

    @property
    def exit_events(self) -> list[str]:
        """The types of events that end it. Who has bought leaves what is meant for prospects."""
        given = self.exit.on if self.exit.on is not None else REPLIED
        return sorted({*given, *(BOUGHT if self.purpose == "nurture" else [])})

    def channel_of(self, step: SequenceStep, choice: Choice) -> Channel:
        """By which channel a choice goes."""
        return choice.channel or step.channel or self.channel

    def channels_from(self, number: int) -> list[Channel]:
        """All that steps may use from that one on, in their order."""
        return [
            self.channel_of(step, choice) for step in self.steps[number:] for choice in step.content
        ]


class Cap(Part):
    """At most so many steps for a lead within a time, over all sequences."""

    times: Annotated[int, Field(ge=1, le=1000)]
    within: Duration


class QuietHours(Part):
    """Times of day at which nothing is sent, in the lead's time zone; over midnight, too."""

    from_: ClockTime = Field(alias="from")
    to: ClockTime


class SequenceLimits(Part):
    """Bounds over all sequences."""

    caps: Annotated[list[Cap], BeforeValidator(as_list), Field(max_length=10)] = Field([])
    quiet: QuietHours | None = None


Sequences = Annotated[dict[Name, NurtureSequence], Field(max_length=100)]
DEFAULT_LIMITS: Any = SequenceLimits.model_validate({
    "caps": [{"times": 1, "within": "1d"}, {"times": 3, "within": "7d"}],
})  # fmt: skip

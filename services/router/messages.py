"""The data of the published messages: the contract with those who subscribe.

Changes are additive. A field that isn't known yet, or that a later version fills, is null.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.consent import Purpose
from shared.facts import Cause

Suppressed = Literal[
    "marketing_email", "email_bounced", "sales_contact", "competitor", "staff", "disqualified"
]


class Data(BaseModel):
    """Instants are RFC 3339 in UTC with milliseconds, such as 2026-05-03T10:00:00.000Z."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reason(Data):
    """Points that the event which tipped the change earned by one rule."""

    rule: str = Field(description="model/rule as named in the ruleset")
    points: float
    event_id: str
    source: str
    type: str = Field(description="event type, such as page_viewed")
    occurred_at: str


class StageChanged(Data):
    """Data of lead-stage-changed, type com.leadscore.lead.stage-changed.v1."""

    lead_id: str
    sequence: int = Field(ge=1, description="1, 2, 3… per lead, without gaps")
    journey: str
    from_stage: str
    to_stage: str
    at: str = Field(description="when it changed")
    cause: Cause
    episode: int
    ruleset_version: int
    scores: dict[str, float] = Field(description="score by model at that moment")
    reasons: list[Reason] = Field(description="at most 20; empty for a change in time")
    handoff: Literal["content", "sales"] | None
    handoff_waiting: bool = Field(description="a sales hand-off waits until the lead is known")
    handoff_withheld: bool = Field(description="a recalculation hands nobody over")
    handoff_suppressed: Suppressed | None = Field(
        None, description="what stands against it: lacking consent, or a bounce"
    )
    known: bool
    merged_into: str | None = Field(description="the lead that this one is now part of")
    unmerged_from: str | None = Field(
        None, description="the lead that this one was part of, and isn't any more"
    )


class Row(Data):
    """A row of the hand-off table, by its id in the ruleset."""

    id: str
    title: str


class LeadSignal(Data):
    """Data of lead-signal, type com.leadscore.lead.signal.v1: something came to hold of a lead that
    a row of the hand-off table asks for.
    """

    lead_id: str
    sequence: int | None = Field(
        ge=1, description="of the same count as its stage changes; null: of its company"
    )
    kind: Literal["band", "grade", "segment", "signal", "account"]
    rows: list[Row]
    at: str
    cause: Cause
    episode: int
    ruleset_version: int
    scores: dict[str, float]
    reasons: list[Reason]
    account: str | None = Field(description="the company's key, where it is about that")
    account_stage: str | None
    handoff: Literal["content", "sales"] | None
    handoff_waiting: bool
    handoff_withheld: bool
    handoff_suppressed: Suppressed | None
    known: bool


class _Standing(Data):
    """A merge, or one taken back, as the lead tells it whose sequence goes on with it."""

    lead_id: str
    sequence: int = Field(ge=1, description="of the same count as its stage changes")
    at: str
    cause: Cause
    actor: str | None = Field(description="the person who asked for it, if one did")
    journey: str
    stage: str = Field(description="where it stands; if it moves by this, a stage change follows")
    known: bool
    ruleset_version: int


class LeadMerged(_Standing):
    """Data of lead-merged, type com.leadscore.lead.merged.v1: this lead took another in."""

    merged_from: str = Field(description="the lead that is now part of this one")


class LeadUnmerged(_Standing):
    """Data of lead-unmerged, type com.leadscore.lead.unmerged.v1: a lead that was part of this one
    stands by itself.
    """

    parted: str = Field(description="the lead that isn't part of this one any more")


class Who(Data):
    """The person, as far as known. `traits` is a choice of traits that a caller needs."""

    known: bool
    emails: list[str]
    phones: list[str]
    user_ids: list[str]
    anonymous_ids: list[str]
    external_ids: list[str] = Field(description="system:id")
    traits: dict[str, str | float | bool]


class Stage(Data):
    journey: str
    name: str
    labels: list[str] = Field(description="what people call it, such as MQL")
    since: str
    from_stage: str
    episode: int
    cause: Cause


class ReasonInWords(Data):
    """What one rule has earned this lead, told by the newest deed that earned it.

    points: as granted · value: what is left of them by decay, at the hand-off.
    """

    words: str
    rule: str
    points: float
    value: float
    times: int
    last_at: str


class Action(Data):
    """One thing the person did."""

    words: str
    type: str
    at: str
    source: str
    title: str | None
    url: str | None


class Content(Data):
    """An e-book, article, video or webinar the person took up."""

    kind: str = Field(description="download, article, video or webinar")
    title: str
    url: str | None
    times: int
    last_at: str


class Suppression(Data):
    """Who must not be written to. Look here before sending anything. why: unsubscribed, complained,
    bounced, or marketing_email, where consent to it is denied otherwise.
    """

    suppressed: bool
    why: list[str] = []
    unsubscribed_at: str | None
    complained_at: str | None
    bounced_at: str | None


class Allowed(Data):
    """A person's answer to one purpose, or the policy's where there is none (by_default)."""

    granted: bool
    by_default: bool
    since: str | None
    source: str | None
    text: str | None = Field(description="version of the text that was shown")


class Consent(Data):
    """given: the newest consent the sender gave with an event, as it was sent; null: none was
    sent · purposes: what is allowed now.
    """

    purposes: dict[Purpose, Allowed] = {}
    given: dict[str, str | float | bool | None] | None
    at: str | None


class Interest(Data):
    """What the deeds of a person are about. weight: deeds, those of 30 days ago counted half."""

    kind: Literal["category", "taste", "brand"]
    name: str
    weight: float
    times: int
    last_at: str


class PercentileOf(Data):
    """What `percentile` compares: scores by `model` of so many leads, drawn at random."""

    model: str
    leads: int
    at: str = Field(description="when they were drawn: some minutes ago at most")


class Move(Data):
    from_stage: str
    to_stage: str
    at: str
    cause: str


class SinceLast(Data):
    """What is new since this lead was handed over the last time."""

    at: str
    handoff: str
    sequence: int
    stage: str
    episode: int
    days: int = Field(description="since then, rounded down")
    scores: dict[str, float] = Field(
        {}, description="difference by model; empty where those of then are no longer kept"
    )
    deeds: list[str] = Field([], description="what the person did since, at most 5 sentences")
    moves: list[Move] = Field([], description="of the stage, the newest first, at most 10")


class SalesSaid(Data):
    """The newest answer of sales on this lead. recycled: sent back until an instant."""

    said: Literal["accepted", "rejected", "recycled", "won", "lost"]
    reason: str | None = Field(description="by its short name in the ruleset")
    reason_words: str | None
    until: str | None
    at: str


class NextStep(Data):
    """One deed that would bring the lead to a higher stage, the cheapest there is."""

    words: str
    rule: str
    to_stage: str
    points: float
    effort: int
    at: str = Field(description="when it would get there, if the deed were done now")
    at_once: bool


class HandOff(Data):
    """Data of handoff-content and handoff-sales: what the receiver needs to act."""

    packet_version: Literal[1] = 1
    lead_id: str
    sequence: int
    handoff: Literal["content", "sales"]
    at: str
    who: Who
    stage: Stage
    scores: dict[str, float]
    persona: str | None = Field(None, description="the first of the ruleset's that fits")
    segments: list[str] = Field([], description="all that fit, at most 50")
    grade: str | None = Field(None, description="fit by engagement, A1 to C3")
    bands: dict[str, str] = Field({}, description="name of the score by model, such as hot")
    percentile: float | None = Field(
        None, ge=0, le=100, description="share of leads whose score is below this one's"
    )
    percentile_of: PercentileOf | None = None
    summary: str = Field("", description="one sentence: who, and why now")
    story: list[str] = Field(
        [], description="deeds of one kind told together, the weightiest first, at most 6"
    )
    reasons: list[ReasonInWords] = Field(description="the strongest first, at most 8")
    last_actions: list[Action] = Field(description="the newest first, at most 10")
    content: list[Content] = Field(description="at most 20")
    interests: list[str] | None = Field(None, description="the strongest first, at most 10")
    interest_details: list[Interest] = Field([], description="at most 5 of a kind")
    inflow: dict[str, str] | None = Field(
        None,
        description="how the person first came: channel, source, medium, campaign, landing, at",
    )
    inflow_last: dict[str, str] | None = Field(None, description="likewise, the last time")
    what_changed: list[Reason] = Field(description="what tipped this change")
    merged_from: list[str] = Field(
        [], description="leads that are part of this one: the newest merge first, at most 20"
    )
    since_last: SinceLast | None = Field(None, description="null at the first hand-off")
    sales_said: SalesSaid | None = Field(None, description="null where sales said nothing yet")
    next: str | None = Field(None, description="the cheapest action to the next stage, in words")
    next_step: NextStep | None = None
    consent: Consent
    suppression: Suppression
    account: dict[str, str] | None = Field(
        None, description="key, name, stage and stage_since of the company, as far as known"
    )
    account_members: int | None = None
    account_scores: dict[str, float] | None = None
    links: dict[str, str] = Field({}, description="into the console: lead, explanation, timeline")
    owner: str | None = Field(None, description="whose it is in sales, by the ruleset's owners")
    link: str | None = Field(description="this lead in the console's API")
    ruleset_version: int


class LeadAlert(Data):
    """Data of lead-alert, type com.leadscore.lead.alert.v1: people are told of a lead, by rows of
    the hand-off table, without a hand-off. Fields are as in a hand-off.
    """

    lead_id: str
    sequence: int | None
    rows: list[Row]
    at: str
    who: Who
    stage: Stage
    scores: dict[str, float]
    grade: str | None
    reasons: list[ReasonInWords]
    last_actions: list[Action]
    suppression: Suppression
    link: str | None
    ruleset_version: int


class HandoffOverdue(Data):
    """Data of handoff-overdue, type com.leadscore.handoff.overdue.v1: the clock of a hand-off to
    sales. level: reminder (it isn't answered yet), overdue (it should be by now), escalation,
    reassign (it is another's now), woken (it was put off until now).
    """

    lead_id: str
    handoff_id: str = Field(description="the id of the hand-off's message")
    level: Literal["reminder", "overdue", "escalation", "reassign", "woken"]
    at: str = Field(description="when it fell due")
    journey: str
    stage: str
    episode: int
    owner: str | None
    former_owner: str | None
    handed_at: str
    due_at: str | None = Field(description="by when it is to be answered, in working time")
    who: Who | None = None
    link: str | None = Field(description="the hand-off in the console's API")


class StepContent(Data):
    """What is to be shown, by its id in the tool that sends it."""

    id: str
    title: str
    url: str | None
    kind: str | None


class StepWho(Data):
    """The person's addresses on the step's channel, and no others."""

    emails: list[str] = []
    phones: list[str] = []
    user_ids: list[str] = []
    external_ids: list[str] = []


class ContentStepDue(Data):
    """Data of content-step-due, type com.leadscore.content.step-due.v1: a step of a sequence is to
    go out now. Send back `sequence` and `step` as properties of what comes of it.
    """

    lead_id: str
    enrolment_id: str = Field(description="this lead's way through this sequence")
    sequence: str
    title: str
    purpose: Literal["nurture", "customer"]
    ruleset_version: int = Field(description="whose sequence it is: that of its beginning")
    step: str
    step_title: str
    number: int = Field(description="1 for the first")
    steps: int
    arm: str | None = Field(description="of an A/B test")
    channel: Literal["email", "direct_mail", "sms", "social_audience", "phone_task"]
    content: StepContent
    at: str
    planned_at: str = Field(description="when it was meant to go; later by hours and caps")
    who: StepWho

"""What the read API answers, as pydantic models: the contract that OpenAPI shows.

Times are RFC 3339 in UTC with milliseconds. Points and scores have at most six decimals.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Instant = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Answer(BaseModel):
    """Base of every answer: frozen, and no field that isn't in the contract."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(Answer):
    """What was wrong with a request: `code` for programs, `message` for people, `path`: where."""

    code: str
    message: str
    path: str = ""


class Refusal(Answer):
    error: Problem


class Lead(Answer):
    """A person, known or anonymous.

    identifiers: lists by kind (email, user_id, phone, external, anonymous_id) · scores: by model,
    as of now · grade: null where the ruleset has none · bands: the name of the score, by model ·
    persona: null for none · segments: in the order of the ruleset ·
    labels: what marketing calls the stage · merged_into: set on a lead that was
    absorbed, and names the one that lives on.
    """

    id: UUID
    known: bool
    identifiers: dict[str, list[str]]
    traits: dict[str, Any]
    scores: dict[str, float]
    grade: str | None
    bands: dict[str, str]
    persona: str | None
    segments: list[str]
    stage: str
    stage_since: Instant
    labels: list[str]
    ruleset_version: int
    created_at: Instant
    merged_into: UUID | None = None


class LeadPage(Answer):
    items: list[Lead]
    next_cursor: str | None


class ExplainedEntry(Answer):
    """Points that one event earned by one rule, or that time gave or took, and what is left.

    event_id, source: null for what time brought, whose type is "time" · raw: what the rule gives ·
    points: what was granted, 0 where all was cut · clipped: what cut it ("bot", "limit", "cap",
    "floor", "group cap", "cap per day", "taken back" and the like), else empty · value_now: points,
    faded to the instant of the explanation.
    """

    event_id: str | None
    source: str | None
    type: str
    rule: str
    points: float
    raw: float
    clipped: str
    value_now: float
    occurred_at: Instant
    ruleset_version: int
    reason: str


class ComputedLine(Answer):
    """What a computation adds to a score, or takes: `line` is "formula", "cap" or "floor"."""

    line: str
    value: float


class ExplainedModel(Answer):
    """The value_now of the entries and the values of `computed`, added as decimals, are the score
    to the last digit. computed: what no entry tells · members: of a combined model, the scores it
    is made of.
    """

    score: float
    entries: list[ExplainedEntry]
    computed: list[ComputedLine]
    members: dict[str, float]


class Explanation(Answer):
    lead_id: UUID
    at: Instant
    ruleset_version: int
    merged_into: UUID | None = None
    models: dict[str, ExplainedModel]


class EarnedPoints(Answer):
    model: str
    rule: str
    points: float
    raw: float
    clipped: str
    reason: str


class TimelineEvent(Answer):
    """One thing the lead did. bot: the event was judged not to come from a person, and `why`."""

    event_id: str
    source: str
    type: str
    occurred_at: Instant
    received_at: Instant
    judgement: str
    bot: bool
    why: str
    page: dict[str, Any] | None
    campaign: dict[str, Any] | None
    properties: dict[str, Any]
    traits: dict[str, Any]
    points: dict[str, float]
    earned: list[EarnedPoints]


class Timeline(Answer):
    items: list[TimelineEvent]
    next_cursor: str | None


class StageReason(Answer):
    """An entry that tipped a stage change, as it stood when the change was decided."""

    model_config = ConfigDict(frozen=True, extra="allow")

    event_id: str | None = None
    source: str | None = None
    type: str | None = None
    rule: str | None = None
    points: float | None = None
    occurred_at: str | None = None


class StageMove(Answer):
    """One published change. cause: event, time, history, merge or recalculation."""

    seq: int
    at: Instant
    journey: str
    from_stage: str
    to_stage: str
    cause: str
    episode: int
    ruleset_version: int
    reasons: list[StageReason]


class StageHistory(Answer):
    items: list[StageMove]
    next_cursor: str | None


class StageCount(Answer):
    """in_ladder: false for a stage that leads still stand in but the live ruleset doesn't have."""

    stage: str
    labels: list[str]
    leads: int
    in_ladder: bool


class StageCounts(Answer):
    items: list[StageCount]
    total: int


class AuditRun(Answer):
    """A run of `leadscore audit`.

    ended_at: null while it goes on, or waits to be resumed · seen_at: when it was last heard of ·
    leads: how many there were when it began · differing: those that were not as their events say,
    the repaired ones among them.
    """

    started_at: Instant
    seen_at: Instant
    ended_at: Instant | None
    ruleset_version: int
    leads: int
    checked: int
    differing: int
    repaired: int


class Audit(Answer):
    """last: the newest finished run · unfinished: the newest run, if it isn't finished."""

    last: AuditRun | None
    unfinished: AuditRun | None

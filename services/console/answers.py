"""What the read API answers, as pydantic models: the contract that OpenAPI shows.

Times are RFC 3339 in UTC with milliseconds. Points and scores have at most six decimals.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.scorer.core.next_steps import Why
from shared.consent import Purpose
from shared.facts import Cause

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


class Standing(Answer):
    """Where a lead is on a journey. held: a person set the stage: "" where nobody did,
    "until_points", "until" an instant, or "locked" for good.
    """

    stage: str
    since: Instant
    labels: list[str]
    episode: int
    held: Literal["", "until_points", "until", "locked"]
    until: Instant | None


class Allowed(Answer):
    """A person's answer to one purpose, since when it stands, where it was given, and to which
    version of the text; or what the ruleset's policy says where there is none (by_default).
    """

    granted: bool
    by_default: bool
    since: Instant | None
    source: str | None
    text: str | None


class Lead(Answer):
    """A person, known or anonymous.

    identifiers: lists by kind (email, user_id, phone, external, anonymous_id) · scores: by model,
    as of now · grade: null where the ruleset has none · bands: the name of the score, by model ·
    persona: null for none · segments: in the order of the ruleset ·
    stage, stage_since, labels: where it is on the journey main, and what marketing calls the
    stage · journeys: every one it is on, main too · consent: by purpose · region: of the ruleset's
    consent policy, null for none · account: its company, as under /v1/accounts · tags: words that
    the hand-off table put on it · owner: whose it is in sales, null for nobody's ·
    merged_into: set on a lead that was absorbed, and names the one that lives on.
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
    account: str | None = None
    tags: list[str] = []
    owner: str | None = None
    stage: str
    stage_since: Instant
    labels: list[str]
    journeys: dict[str, Standing]
    consent: dict[Purpose, Allowed]
    region: str | None
    ruleset_version: int
    created_at: Instant
    merged_into: UUID | None = None


class LeadPage(Answer):
    items: list[Lead]
    next_cursor: str | None


class ExplainedEntry(Answer):
    """Points that one event earned by one rule, or that time gave or took, and what is left.

    event_id, source: null for what time brought, whose type is "time" · rule_number: the same in
    every version · raw: what the rule gives · points: what was granted, 0 where all was cut ·
    clipped: what cut it ("bot", "limit", "cap", "floor", "group cap", "cap per day", "taken back"
    and the like), else empty · cut_by: the same by name and number ("group email cap 30 per day") ·
    value_now: points, faded to the instant of the explanation.
    """

    event_id: str | None
    source: str | None
    type: str
    rule: str
    rule_number: int
    points: float
    raw: float
    clipped: str
    cut_by: str
    value_now: float
    occurred_at: Instant
    ruleset_version: int
    reason: str


class ComputedLine(Answer):
    """What a computation adds to a score, or takes: `line` is "formula", "cap" or "floor"."""

    line: str
    value: float


class CarriedLine(Answer):
    """What is left of events that retention has deleted: how many there were of a lead (itself, or
    one that was merged into it) up to an instant, their points then, under which ruleset, and what
    these are worth now.
    """

    line: str
    lead_id: UUID
    events: int
    until: Instant
    points: float
    ruleset_version: int
    value_now: float


class ExplainedModel(Answer):
    """The value_now of the entries and of `carried`, `earlier`, `later` and the values of
    `computed`, added as decimals, are the score to the last digit. carried: on the page that ends
    with the oldest entry; before, it is part of `earlier` · earlier, later: what all that came
    before and after the entries told is worth now · computed: what no entry tells · members: of a
    combined model, the scores it is made of.
    """

    score: float
    later: float
    entries: list[ExplainedEntry]
    earlier: float
    carried: list[CarriedLine] = []
    computed: list[ComputedLine]
    members: dict[str, float]


class Explanation(Answer):
    """A page of what scores consist of. next_cursor: for what came before it, null for nothing."""

    lead_id: UUID
    at: Instant
    ruleset_version: int
    merged_into: UUID | None = None
    models: dict[str, ExplainedModel]
    next_cursor: str | None


class EarnedPoints(Answer):
    model: str
    rule: str
    rule_number: int
    points: float
    raw: float
    clipped: str
    cut_by: str
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
    inflow: dict[str, Any] | None
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
    """One published change. actor: who asked for it, where a person did.

    A change may be from a stage to itself: a lock was put on or taken off, or a merge was made or
    taken back. Then merged_into or unmerged_from tell whose part this lead became, or was;
    merged_from or parted which one became part of it, or was.
    """

    seq: int
    at: Instant
    journey: str
    from_stage: str
    to_stage: str
    cause: Cause
    actor: str
    episode: int
    ruleset_version: int
    reasons: list[StageReason]
    merged_into: UUID | None = None
    merged_from: UUID | None = None
    unmerged_from: UUID | None = None
    parted: UUID | None = None


class StageHistory(Answer):
    items: list[StageMove]
    next_cursor: str | None


class AcceptedOrder(Answer):
    """The order is kept safe, and carried out within about a second. event_id: of the event in
    the lead's timeline that says so · until: the end of the lock, null for none.
    """

    accepted: Literal[True] = True
    lead_id: UUID
    event_id: str
    journey: str
    stage: str | None
    lock: bool
    until: Instant | None


class StageCount(Answer):
    """Of the journey main. in_ladder: false for a stage that leads still stand in but the live
    ruleset doesn't have, neither on the ladder nor beside it.
    """

    stage: str
    labels: list[str]
    leads: int
    in_ladder: bool


class StageCounts(Answer):
    items: list[StageCount]
    total: int


class NamedCount(Answer):
    name: str
    leads: int


class SegmentCounts(Answer):
    """Leads by persona and by segment, as of `at`. total: all leads, in a segment or not."""

    at: Instant
    total: int
    personas: list[NamedCount]
    segments: list[NamedCount]


class NextEvent(Answer):
    """An event that would do. Empty parts, and a source that is null, may be anything."""

    type: str
    source: str | None
    properties: dict[str, Any]
    traits: dict[str, Any]
    context: dict[str, Any]
    consent: dict[str, Any]


class NextStep(Answer):
    """One event that brings the lead to a higher stage.

    rule: "model/rule", which the event is made for · say: the rule's words · effort: 1 to 5, as
    declared · points, clipped: what this rule gives, and what cuts it · at: from when the lead
    is in to_stage; at_once: with the event, and not later.
    """

    rule: str
    say: str
    effort: int
    event: NextEvent
    points: float
    clipped: str
    to_stage: str
    at: Instant
    at_once: bool


class UnhelpfulRule(Answer):
    """A rule that no single event would make bring the lead higher; because: why, in words.

    event: null where none could be tried · to_stage: where the event moves the lead instead.
    """

    rule: str
    effort: int
    why: Why
    because: str
    event: NextEvent | None
    points: float
    to_stage: str | None


class NextMove(Answer):
    from_stage: str
    to_stage: str
    at: Instant


class NextSteps(Answer):
    """What could happen next on one journey, as of `at`.

    stage: null while the lead isn't on the journey · set_by_hand: the stage stands by hand: locked,
    for good where locked_until is null, or else until points come or go · steps: by effort, then
    in the order of the ruleset · if_nothing_happens: the first move that time brings.
    """

    lead_id: UUID
    at: Instant
    ruleset_version: int
    merged_into: UUID | None = None
    journey: str
    stage: str | None
    set_by_hand: bool
    locked: bool
    locked_until: Instant | None
    steps: list[NextStep]
    others: list[UnhelpfulRule]
    if_nothing_happens: NextMove | None


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


class AcceptedErasure(Answer):
    """An order to erase a person that Kafka has, or with `sent` false what it would find.

    kafka_until: by then Kafka has deleted its records of the person, too.
    """

    erasure_id: UUID
    sent: bool
    leads: list[UUID]
    identifiers: int
    events: int
    kafka_until: Instant


class Erasure(Answer):
    """Proof that a person was erased. person: a keyed hash of the name that was asked for ·
    erased_at: null while the scorer is at it · counts: rows deleted, by place.
    """

    id: UUID
    person: str
    requested_at: Instant
    erased_at: Instant | None
    actor: str
    reason: str
    leads: list[UUID]
    counts: dict[str, int]


class Erasures(Answer):
    items: list[Erasure]

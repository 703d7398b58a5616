"""What the scorer tells the router: stage changes, and hand-offs that a person's name released."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Cause = Literal["event", "time", "history", "merge", "unmerge", "recalculation", "manual"]
Handoff = Literal["content", "sales"]
# Why nothing goes out: for want of consent, after a bounce, or by the ruleset's `suppress`.
Suppressed = Literal[
    "", "marketing_email", "email_bounced", "sales_contact", "competitor", "staff", "disqualified"
]


class Reason(msgspec.Struct, frozen=True):
    """Points that tipped a change. rule: "model/rule" · occurred_at: RFC 3339, UTC."""

    event_id: str
    source: str
    type: str
    rule: str
    points: float
    occurred_at: str


class StageChange(msgspec.Struct, frozen=True, kw_only=True):
    """One move on one ladder, as the core found it.

    at_ms: when it holds from · seq: 1, 2, 3 … per lead, all journeys together · episode: one more
    each time that it begins at the first stage again, or comes back from a side stage · reasons:
    the entries of the event that tipped it, empty when time did · scores: every model's value at
    at_ms · handoff: who gets the lead by this move · waiting: a sales hand-off that is held until
    the lead is known · withheld: a hand-off that a recalculation found, left to a person to release
    · suppressed: for want of which consent the hand-off must not go out · actor: who asked for it,
    of a move by hand · rows: of the hand-off table, those that hold at this move.
    """

    journey: str
    from_stage: str
    to_stage: str
    at_ms: int
    seq: int
    episode: int
    cause: Cause
    reasons: list[Reason] = []
    scores: dict[str, float] = {}
    handoff: Handoff | None = None
    waiting: bool = False
    withheld: bool = False
    suppressed: Suppressed = ""
    actor: str = ""
    rows: list[str] = []


class _Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    lead_id: str
    ruleset_version: int
    known: bool
    journey: str
    from_stage: str
    to_stage: str
    at_ms: int
    seq: int
    episode: int
    cause: Cause
    reasons: list[Reason] = []
    scores: dict[str, float] = {}
    handoff: Handoff | None = None
    waiting: bool = False
    withheld: bool = False
    suppressed: Suppressed = ""
    actor: str = ""
    rows: list[str] = []
    merged_into: str | None = None
    other_lead: str | None = None


class StageChanged(_Fact, frozen=True, kw_only=True, tag="stage_changed"):
    """A stage change of a lead. The last one of an absorbed lead says merged_into."""


class BandReached(_Fact, frozen=True, kw_only=True, tag="band_reached"):
    """A score reached a band that a row of the hand-off table asks for: rows names it. Like the
    three that follow it takes a number of the lead's sequence, and may hand the lead over.
    """


class GradeReached(_Fact, frozen=True, kw_only=True, tag="grade_reached"):
    """A lead has a grade that a row asks for, or a better one."""


class SegmentEntered(_Fact, frozen=True, kw_only=True, tag="segment_entered"):
    """A lead is in a segment that a row asks for."""


class SignalSeen(_Fact, frozen=True, kw_only=True, tag="signal_seen"):
    """A lead gave a signal that a row asks for; reasons: what its event earned."""


class AccountChanged(_Fact, frozen=True, kw_only=True, tag="account_changed"):
    """A lead's company reached a stage that a row asks for: the journey is "account:" and the
    company's key. Of all its known people the one with the best scores is told. seq is 0: it takes
    no number of the lead's sequence; episode counts the company's changes.
    """


class HandoffReleased(_Fact, frozen=True, kw_only=True, tag="handoff_released"):
    """A hand-off may go that waited until the lead became known, or that a recalculation withheld
    and a person released. seq is that of the change it came from; at_ms is when it was released.
    """


class LeadMerged(_Fact, frozen=True, kw_only=True, tag="lead_merged"):
    """A survivor took another lead in: other_lead. Takes a number of the survivor's sequence; its
    stage stays (a change that follows from the merge has the next number). Of the absorbed lead
    the last StageChanged says merged_into.
    """


class LeadUnmerged(_Fact, frozen=True, kw_only=True, tag="lead_unmerged"):
    """A merge was taken back: other_lead stands by itself again. Takes a number of the former
    survivor's sequence, and brings it back to the stage it had when it took other_lead in (a change
    that follows has the next number). other_lead's own sequence goes on with a StageChanged of
    cause "unmerge",
    whose other_lead is the former survivor.
    """


RowFact = BandReached | GradeReached | SegmentEntered | SignalSeen | AccountChanged
Fact = StageChanged | HandoffReleased | LeadMerged | LeadUnmerged | RowFact

# By the kind of the row whose journey it is, see shared.ruleset.handoff_journeys.
FACT_OF_ROW: dict[str, type[RowFact]] = {
    "band": BandReached,
    "grade": GradeReached,
    "segment": SegmentEntered,
    "signal": SignalSeen,
    "account": AccountChanged,
}


# Messages that a clock of ours, not a score, calls for.
Announced = Literal["content-step-due", "handoff-overdue"]


class Announcement(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="announcement"):
    """What fell due by a clock of the router's, such as a step of a sequence: written to the outbox
    like a fact of the scorer's, so that it goes out by the same road, once.

    It takes no number of the lead's sequence. key: names it among the lead's announcements, for the
    id of its message · data: the message's data, as it goes out.
    """

    lead_id: str
    message: Announced
    key: str
    at_ms: int
    data: dict[str, Any]


AnyFact = Fact | Announcement


def fact_document(fact: AnyFact) -> dict[str, Any]:
    """The fact as plain JSON values, with its `kind`: what the outbox stores."""
    document: dict[str, Any] = msgspec.to_builtins(fact)
    return document


def read_fact(document: dict[str, Any]) -> Fact:
    """A fact from the outbox. Raises msgspec.ValidationError when it isn't one."""
    fact: Fact = msgspec.convert(document, Fact)
    return fact


def fact_about(
    change: StageChange,
    kind: type[Fact] = StageChanged,
    *,
    lead_id: str,
    ruleset_version: int,
    known: bool,
    merged_into: str | None = None,
    other_lead: str | None = None,
) -> Fact:
    """The fact of a change, or of the hand-off that it released."""
    return kind(
        lead_id=lead_id,
        ruleset_version=ruleset_version,
        known=known,
        merged_into=merged_into,
        other_lead=other_lead,
        **{name: getattr(change, name) for name in StageChange.__struct_fields__},
    )


def read_released(document: dict[str, Any], at_ms: int) -> dict[str, Any]:
    """The fact that lets a withheld hand-off go, made of the one that withheld it."""
    fact: Any = read_fact(document)
    fields = {name: getattr(fact, name) for name in HandoffReleased.__struct_fields__}
    released = HandoffReleased(
        **{**fields, "at_ms": at_ms, "withheld": False, "waiting": False, "rows": []}
    )
    return fact_document(released)

"""What follows from a fact: which messages go out, and what they are called."""

from __future__ import annotations

from typing import Literal
from uuid import UUID, uuid5

from services.router.facts import (
    Announcement,
    AnyFact,
    HandoffReleased,
    LeadMerged,
    LeadUnmerged,
)
from shared.ids import MESSAGE_NAMESPACE

MessageKind = Literal[
    "lead-stage-changed",
    "lead-merged",
    "lead-unmerged",
    "handoff-content",
    "handoff-sales",
    "content-step-due",
    "handoff-overdue",
]

STAGE_CHANGED: MessageKind = "lead-stage-changed"
MERGED: MessageKind = "lead-merged"
UNMERGED: MessageKind = "lead-unmerged"
HANDOFF: dict[str, MessageKind] = {"content": "handoff-content", "sales": "handoff-sales"}

# A lead's messages of one sequence number go out in this order.
ORDER: dict[MessageKind, int] = {
    "lead-stage-changed": 0,
    "lead-merged": 0,
    "lead-unmerged": 0,
    "handoff-content": 1,
    "handoff-sales": 2,
    "content-step-due": 3,
    "handoff-overdue": 3,
}


def decide(fact: AnyFact) -> tuple[MessageKind, ...]:
    """The messages a fact calls for, in the order they go out.

    A stage change is always told. A hand-off follows unless it waits until the lead is known, is
    withheld (recalculation), suppressed (it lacks consent), or the lead is no more (merged into
    another). A waiting hand-off that is released goes out alone: its stage change was told before.
    A merge, or one that was taken back, is told and hands nobody over: where the lead moves by it,
    a stage change follows.
    """
    if isinstance(fact, Announcement):
        return (fact.message,)
    if isinstance(fact, LeadMerged):
        return (MERGED,)
    if isinstance(fact, LeadUnmerged):
        return (UNMERGED,)
    if isinstance(fact, HandoffReleased):
        return (HANDOFF["sales"],)
    if fact.handoff is None or fact.waiting or fact.withheld or fact.suppressed:
        return (STAGE_CHANGED,)
    if fact.merged_into is not None:
        return (STAGE_CHANGED,)
    return (STAGE_CHANGED, HANDOFF[fact.handoff])


def message_id(lead_id: str, place: int | str, kind: MessageKind) -> UUID:
    """Made from content: published again, it is the same message. place: see place_of."""
    return uuid5(MESSAGE_NAMESPACE, f"{lead_id}/{place}/{kind}")


def place_of(fact: AnyFact) -> int | str:
    """What tells it from the lead's other facts: its number in the sequence, or its key."""
    return fact.key if isinstance(fact, Announcement) else fact.seq


def number_of(fact: AnyFact) -> int | None:
    """Its number in the lead's sequence, None for what takes none."""
    return None if isinstance(fact, Announcement) else fact.seq

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
    RowFact,
)
from services.router.table import NO_ROWS, Table, rows_of
from shared.ids import MESSAGE_NAMESPACE

MessageKind = Literal[
    "lead-stage-changed",
    "lead-merged",
    "lead-unmerged",
    "lead-signal",
    "lead-alert",
    "handoff-content",
    "handoff-sales",
    "content-step-due",
    "handoff-overdue",
]

STAGE_CHANGED: MessageKind = "lead-stage-changed"
MERGED: MessageKind = "lead-merged"
UNMERGED: MessageKind = "lead-unmerged"
SIGNAL: MessageKind = "lead-signal"
ALERT: MessageKind = "lead-alert"
HANDOFF: dict[str, MessageKind] = {"content": "handoff-content", "sales": "handoff-sales"}

# A lead's messages of one sequence number go out in this order.
ORDER: dict[MessageKind, int] = {
    "lead-stage-changed": 0,
    "lead-merged": 0,
    "lead-unmerged": 0,
    "lead-signal": 0,
    "handoff-content": 1,
    "handoff-sales": 2,
    "lead-alert": 3,
    "content-step-due": 4,
    "handoff-overdue": 4,
}


def decide(fact: AnyFact, table: Table = NO_ROWS) -> tuple[MessageKind, ...]:
    """The messages a fact calls for, in the order they go out.

    A stage change, or what a row of the hand-off table asks for, is always told. A hand-off follows
    unless it waits until the lead is known, is withheld (recalculation), suppressed (it lacks
    consent), or the lead is no more (merged into another); and an alert, where a row says so. A
    waiting hand-off that is released goes out alone: its stage change was told before. A merge, or
    one that was taken back, is told and hands nobody over: where the lead moves by it, a stage
    change follows.
    """
    if isinstance(fact, Announcement):
        return (fact.message,)
    if isinstance(fact, LeadMerged):
        return (MERGED,)
    if isinstance(fact, LeadUnmerged):
        return (UNMERGED,)
    if isinstance(fact, HandoffReleased):
        return (HANDOFF[fact.handoff or "sales"],)
    told: tuple[MessageKind, ...] = (SIGNAL if isinstance(fact, RowFact) else STAGE_CHANGED,)
    if fact.withheld or fact.merged_into is not None:
        return told
    if fact.handoff is not None and not fact.waiting and not fact.suppressed:
        told += (HANDOFF[fact.handoff],)
    if any(row.do.alert for row in rows_of(fact, table)):
        told += (ALERT,)
    return told


def message_id(lead_id: str, place: int | str, kind: MessageKind) -> UUID:
    """Made from content: published again, it is the same message. place: see place_of."""
    return uuid5(MESSAGE_NAMESPACE, f"{lead_id}/{place}/{kind}")


def place_of(fact: AnyFact) -> int | str:
    """What tells it from the lead's other facts: its number in the sequence, its key, or which
    change of the lead's company it is.
    """
    if isinstance(fact, Announcement):
        return fact.key
    return fact.seq or f"{fact.journey}/{fact.episode}"


def number_of(fact: AnyFact) -> int | None:
    """Its number in the lead's sequence, None for what takes none."""
    return None if isinstance(fact, Announcement) else fact.seq or None

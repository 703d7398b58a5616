"""Reading a fact from the outbox, as the scorer wrote it."""

from __future__ import annotations

import msgspec

from shared.errors import PoisonError
from shared.facts import (
    Announcement,
    AnyFact,
    Fact,
    HandoffReleased,
    LeadMerged,
    LeadUnmerged,
    RowFact,
    StageChanged,
)

__all__ = [
    "Announcement",
    "AnyFact",
    "Fact",
    "HandoffReleased",
    "LeadMerged",
    "LeadUnmerged",
    "RowFact",
    "StageChanged",
    "open_fact",
]

_decoder = msgspec.json.Decoder(AnyFact)


def open_fact(raw: str | bytes) -> AnyFact:
    """The fact in a row's jsonb. Raises PoisonError if it isn't one that this router knows."""
    try:
        fact: AnyFact = _decoder.decode(raw)
    except msgspec.MsgspecError as error:
        # What the decoder says names fields and types, never values.
        raise PoisonError("unreadable_fact", str(error)) from error
    return fact

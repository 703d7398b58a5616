"""Records from Kafka, read: what a batch consists of, and what can't be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import msgspec

from services.scorer.mentions import Mention, Mentions, mention_of
from shared.envelope import ENVELOPE_VERSION, Event, decode_event, milliseconds
from shared.errors import PoisonError
from shared.event_types import ALIAS
from shared.ids import dedupe_key
from shared.lead_state import Position

MAX_ID_CHARS = 512
# The years 1970 to 2200: outside, milliseconds stop making sense as an event's time.
MAX_AT_MS = 7_258_118_400_000


class Record(Protocol):
    """What is used of a consumed Kafka record."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int


class Arrival(msgspec.Struct):
    """One readable event on its way in.

    lead_id: filled in by the resolve step · record: where it came from.
    """

    event: Event
    body: bytes
    key: UUID
    at_ms: int
    position: Position
    mention: Mention
    record: Record | None = None
    lead_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that can't become an event, and why."""

    record: Record
    error: PoisonError


def read_records(records: Iterable[Record]) -> tuple[list[Arrival], list[Unreadable]]:
    """Read a batch: the events in arrival order, and the records that aren't events."""
    arrivals: list[Arrival] = []
    unreadable: list[Unreadable] = []
    mentions: Mentions = {}
    for record in records:
        try:
            arrivals.append(read_arrival(record.value, mentions, record))
        except PoisonError as error:
            unreadable.append(Unreadable(record, error))
    return arrivals, unreadable


def read_arrival(
    value: bytes | None, mentions: Mentions | None = None, record: Record | None = None
) -> Arrival:
    """Read one record's value. Raises PoisonError with the reason if it isn't an event, or if a
    field of it can't be kept.

    mentions: those of the batch so far; a new one is added.
    """
    event = _decoded(value)
    assert value is not None
    try:
        at_ms = milliseconds(event.occurred_at)
    except (TypeError, OverflowError):
        raise PoisonError("bad_time", "occurred_at has no time zone or is out of range") from None
    if not 0 <= at_ms <= MAX_AT_MS:
        raise PoisonError("bad_time", "occurred_at lies outside the years 1970 to 2200")
    source, event_id = event.source, event.id
    if not event_id or len(event_id) > MAX_ID_CHARS or len(source) > MAX_ID_CHARS:
        raise PoisonError("bad_id", f"id and source need 1 to {MAX_ID_CHARS} characters")
    # Postgres refuses U+0000 in text. Ingest refuses it too, but old topics hold old dirt. (A lone
    # surrogate does not get past the decoder; bodies are stored as bytes.)
    if "\0" in event_id or "\0" in source or "\0" in event.type:
        raise PoisonError("bad_text", "a name or id holds the character U+0000")
    who = event.identifiers
    if mentions is None or who.external or event.type == ALIAS:
        mention = mention_of(event)
    else:
        key = (who.user_id, who.email, who.anonymous_id, who.phone)
        known = mentions.get(key)
        if known is None:
            known = mentions[key] = mention_of(event)
        mention = known
    place = (at_ms, source, event_id)
    return Arrival(event, value, dedupe_key(source, event_id), at_ms, place, mention, record)


def _decoded(value: bytes | None) -> Event:
    if value is None:
        raise PoisonError("empty", "the record has no value")
    try:
        event = decode_event(value)
    except msgspec.MsgspecError as error:
        raise PoisonError("not_an_event", str(error)) from None
    except (UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise PoisonError("not_an_event", type(error).__name__) from None
    if event.v != ENVELOPE_VERSION:
        raise PoisonError("unknown_version", f"envelope version {event.v} is not known here")
    return event

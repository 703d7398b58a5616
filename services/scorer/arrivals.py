"""Records from Kafka, read: what a batch consists of, and what can't be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import msgspec

from services.scorer.mentions import Mention, Mentions, mention_of
from shared.envelope import ENVELOPE_VERSION, Event, decode_event, milliseconds
from shared.errors import PoisonError
from shared.event_types import ALIAS, OPERATOR
from shared.ids import dedupe_key
from shared.lead_state import Position

MAX_ID_CHARS = 512
# The years 1970 to 2200: outside, milliseconds stop making sense as an event's time.
MAX_AT_MS = 7_258_118_400_000
# Why an event is refused of which, if it was taken in before, nothing is left to tell it by.
TOO_OLD = "too_old"


class Record(Protocol):
    """What is used of a consumed Kafka record."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int


class Arrival(msgspec.Struct):
    """One readable event on its way in.

    record: where it came from; its value is the event's body · lead_id: filled in by the resolve
    step.
    """

    record: Record
    event: Event
    key: UUID
    at_ms: int
    position: Position
    mention: Mention
    lead_id: UUID | None = None


class TooOldError(Exception):
    """Events from before what is kept of their leads: they can't be put where they belong."""

    def __init__(self, arrivals: Sequence[Arrival]) -> None:
        super().__init__(f"{len(arrivals)} events are older than what is kept of their leads")
        self.arrivals = arrivals


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that can't become an event, and why."""

    record: Record
    error: PoisonError


def read_records(
    records: Sequence[Record], hash_key: bytes, oldest_ms: int = 0
) -> tuple[list[Arrival], list[Unreadable]]:
    """Read a batch: the events in arrival order, and the records that aren't events, or are older
    than those that are kept.
    """
    unreadable: list[Unreadable] = []
    try:
        # Step by step over the whole batch: each step's code and data then stay in the
        # processor's cache, which takes a quarter off.
        events = [decode_event(record.value) for record in records]  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 - whatever it is: which record, and why, is found out now
        records, events = _decoded_one_by_one(records, unreadable)
    keys = [dedupe_key(hash_key, event.source, event.id) for event in events]
    arrivals: list[Arrival] = []
    mentions: Mentions = {}
    for record, event, key in zip(records, events, keys, strict=True):
        try:
            arrivals.append(_arrival(record, event, key, mentions, oldest_ms))
        except PoisonError as error:
            unreadable.append(Unreadable(record, error))
    return arrivals, unreadable


def _decoded_one_by_one(
    records: Iterable[Record], unreadable: list[Unreadable]
) -> tuple[list[Record], list[Event]]:
    readable: list[Record] = []
    events: list[Event] = []
    for record in records:
        try:
            events.append(_decoded(record.value))
            readable.append(record)
        except PoisonError as error:
            unreadable.append(Unreadable(record, error))
    return readable, events


def _arrival(
    record: Record, event: Event, key: UUID, mentions: Mentions, oldest_ms: int
) -> Arrival:
    """Raises PoisonError if a field can't be kept. mentions: those of the batch so far."""
    try:
        at_ms = milliseconds(event.occurred_at)
    except (TypeError, OverflowError):
        raise PoisonError("bad_time", "occurred_at has no time zone or is out of range") from None
    if not oldest_ms <= at_ms <= MAX_AT_MS:
        if 0 <= at_ms < oldest_ms:
            raise PoisonError(TOO_OLD, "older than the events that are kept")
        raise PoisonError("bad_time", "occurred_at lies outside the years 1970 to 2200")
    if event.v != ENVELOPE_VERSION:
        raise PoisonError("unknown_version", f"envelope version {event.v} is not known here")
    source, event_id = event.source, event.id
    if not event_id or len(event_id) > MAX_ID_CHARS or len(source) > MAX_ID_CHARS:
        raise PoisonError("bad_id", f"id and source need 1 to {MAX_ID_CHARS} characters")
    # Postgres refuses U+0000 in text. Ingest refuses it too, but old topics hold old dirt. (A lone
    # surrogate does not get past the decoder; bodies are stored as bytes.)
    if "\0" in event_id or "\0" in source or "\0" in event.type:
        raise PoisonError("bad_text", "a name or id holds the character U+0000")
    who = event.identifiers
    if who.external or event.type == ALIAS or source == OPERATOR:
        mention = mention_of(event)
    else:
        names = (who.user_id, who.email, who.anonymous_id, who.phone)
        known = mentions.get(names)
        if known is None:
            known = mentions[names] = mention_of(event)
        mention = known
    return Arrival(record, event, key, at_ms, (at_ms, source, event_id), mention)


def _decoded(value: bytes | None) -> Event:
    if value is None:
        raise PoisonError("empty", "the record has no value")
    try:
        event = decode_event(value)
    except msgspec.MsgspecError as error:
        raise PoisonError("not_an_event", str(error)) from None
    except (UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise PoisonError("not_an_event", type(error).__name__) from None
    return event

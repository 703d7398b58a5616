"""Rows as events of ours, with what they are refused for: pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from services.ingest.imports.mapping import Mapping, in_file_words
from services.ingest.imports.rows import BadRow, Item, Row
from services.ingest.limits import EVENT_BYTES
from services.ingest.normalise import Arrival, normalise
from services.ingest.privacy import sift
from services.ingest.refusal import Refusal, invalid
from shared.bus import Record
from shared.envelope import Event, encode_event, instant
from shared.ids import partition_key

# So many rejected rows are told one by one where the rows themselves aren't kept.
ERRORS_TOLD: Final = 100
NAME_CHARACTERS: Final = 200


@dataclass(slots=True)
class Chunk:
    """What some rows came to. last: the number of the last of them."""

    events: list[Event] = field(default_factory=list)
    rejected: list[BadRow] = field(default_factory=list)
    withheld: int = 0
    left_out: int = 0
    last: int = 0


@dataclass(slots=True)
class Tally:
    """What an import has come to so far. accepted: kept safe in Kafka · withheld: passive events
    without consent · left_out: identifiers that events were kept without · reasons: of the
    rejected, by code · errors: the first of them, without what stood in the row.
    """

    position: int = 0
    accepted: int = 0
    rejected: int = 0
    withheld: int = 0
    left_out: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.accepted + self.rejected + self.withheld

    def add(self, chunk: Chunk) -> None:
        """The events of a chunk are kept safe."""
        self.position = chunk.last or self.position
        self.accepted += len(chunk.events)
        self.rejected += len(chunk.rejected)
        self.withheld += chunk.withheld
        self.left_out += chunk.left_out
        for bad in chunk.rejected:
            self.reasons[bad.code] += 1
            if len(self.errors) < ERRORS_TOLD:
                path = printable(bad.path)
                told = {"code": bad.code, "path": path, "message": bad.message}
                self.errors.append({"row": bad.number, **told})

    def counts(self) -> dict[str, int]:
        """As they are stored, and told."""
        return {
            "accepted": self.accepted,
            "rejected": self.rejected,
            "withheld": self.withheld,
            "left_out": self.left_out,
        }


def printable(text: str) -> str:
    """A name of a file or column as it can be stored and shown: cut, in one line."""
    return "".join(one for one in text[:NAME_CHARACTERS] if one.isprintable())


def oldest_kept(days: int, swept_ms: int, now: datetime) -> datetime | None:
    """Events from before it are not taken any more; None where all are kept. days: as long are
    events kept, 0 for ever · swept_ms: up to when they are gone already, -1 for none.
    """
    found = [now - timedelta(days=days)] if days else []
    if swept_ms >= 0:
        found.append(instant(swept_ms + 1))
    return max(found, default=None)


def read_events(
    items: Iterable[Item], mapping: Mapping, arrival: Arrival, oldest: datetime | None
) -> Chunk:
    """The events of rows. arrival: for these alone, since it gathers notes."""
    chunk = Chunk()
    events: list[Event] = []
    for item in items:
        chunk.last = item.number
        if isinstance(item, BadRow):
            chunk.rejected.append(item)
            continue
        try:
            events.append(_event(item, mapping, arrival, oldest))
        except Refusal as refusal:
            told = in_file_words(refusal, item, mapping)
            chunk.rejected.append(
                BadRow(item.number, told.code, told.message, told.path, "", item.names, item.values)
            )
    chunk.events, withheld = sift(events, gpc=False)
    chunk.withheld = withheld.total()
    chunk.left_out = len(arrival.left_out)
    return chunk


def records_of(events: Iterable[Event], topic: str, hash_key: bytes) -> list[Record]:
    """Events as records of lead-events."""
    return [
        Record(topic, encode_event(event), partition_key(hash_key, event.identifiers))
        for event in events
    ]


def _event(row: Row, mapping: Mapping, arrival: Arrival, oldest: datetime | None) -> Event:
    kind, call = mapping.call(row)
    event = normalise(call, kind, arrival, row.number)
    if oldest is not None and event.occurred_at < oldest:
        raise invalid(
            "too_old", f"Events from before {oldest:%Y-%m-%d} are not kept any more.", "timestamp"
        )
    if len(encode_event(event)) > EVENT_BYTES:
        raise Refusal(413, "too_large", f"A row may come to {EVENT_BYTES} bytes.")
    return event

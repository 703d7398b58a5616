"""Arrivals as the scorer reads them from Kafka, for tests that have no Kafka."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.scorer.arrivals import Arrival, read_records
from shared.envelope import Event, encode_event

# What keyed hashes are made with in tests.
HASH_KEY = b"a key for tests only, 32 bytes.."


@dataclass(frozen=True)
class ReadRecord:
    """A consumed record."""

    value: bytes | None
    offset: int = 0
    key: bytes | None = None
    timestamp: int = 0


def arrival_of(value: bytes | None) -> Arrival:
    """The arrival of one record's value. Raises PoisonError when it can't become an event."""
    arrivals, unreadable = read_records([ReadRecord(value)], HASH_KEY)
    for one in unreadable:
        raise one.error
    return arrivals[0]


def arrivals_of(events: Iterable[Event]) -> list[Arrival]:
    """The arrivals of a batch of events."""
    records = [ReadRecord(encode_event(event)) for event in events]
    arrivals, unreadable = read_records(records, HASH_KEY)
    assert not unreadable
    return arrivals

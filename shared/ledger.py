"""Ledger entries: what an event earned, kept beside the event, and what time gave or took."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

import msgspec

from shared.lead_state import Position


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """Points that one event earned by one rule.

    rule: number in the table rule_number · points: granted, after limit and caps · raw: what the
    rule gives · clipped: "" or what cut it, maybe to nothing: "bot", "limit", "cap", "floor",
    "group cap", "cap per day", "group cap per day" (or hour, week, month); or "taken back".
    """

    rule: int
    points: float
    raw: float
    clipped: str = ""


class TimeEntry(msgspec.Struct, array_like=True, frozen=True):
    """Points that no event but the passing of time brought, or took.

    at_ms: when, before any event of the same ms · after: position of the newest event before.
    """

    at_ms: int
    rule: int
    points: float
    raw: float
    clipped: str
    after: Position


def by_instant(entries: Iterable[TimeEntry]) -> list[tuple[int, bytes]]:
    """Time's entries, which are in order, as they are stored: (instant, its entries)."""
    found: list[tuple[int, bytes]] = []
    for at_ms, group in groupby(entries, key=attrgetter("at_ms")):
        same = [Entry(one.rule, one.points, one.raw, one.clipped) for one in group]
        found.append((at_ms, _encoder.encode(same)))
    return found


_decoder = msgspec.msgpack.Decoder(list[Entry])
_encoder = msgspec.msgpack.Encoder()


def encode_entries(entries: list[Entry]) -> bytes | None:
    """None for no entries, so that the column stays empty."""
    return _encoder.encode(entries) if entries else None


def decode_entries(value: bytes | None) -> list[Entry]:
    return _decoder.decode(value) if value is not None else []

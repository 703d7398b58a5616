"""Ledger entries: what an event earned, as they are kept beside the event."""

from __future__ import annotations

import msgspec


class Entry(msgspec.Struct, array_like=True, frozen=True):
    """Points that one event earned by one rule.

    rule: number in the table rule_number · points: granted, after limit and caps · raw: what the
    rule gives · clipped: "" or what cut it ("limit", "cap", "taken back").
    """

    rule: int
    points: float
    raw: float
    clipped: str = ""


_decoder = msgspec.msgpack.Decoder(list[Entry])
_encoder = msgspec.msgpack.Encoder()


def encode_entries(entries: list[Entry]) -> bytes | None:
    """None for no entries, so that the column stays empty."""
    return _encoder.encode(entries) if entries else None


def decode_entries(value: bytes | None) -> list[Entry]:
    return _decoder.decode(value) if value is not None else []

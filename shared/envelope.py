"""The envelope of an event on the topic lead-events: what ingest writes and scorer reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

ENVELOPE_VERSION = 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

Judgement = Literal["human", "bot", "unknown"]


class Identifiers(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=False):
    """Who did it, as far as the sender said. At least one is set.

    email: normalised address · user_id: the site's own id · anonymous_id: a browser or device ·
    phone: E.164 · external: id per system, such as {"crm": "003…"}.
    """

    email: str | None = None
    user_id: str | None = None
    anonymous_id: str | None = None
    phone: str | None = None
    external: dict[str, str] = {}


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """Was it a person? `why` names the check that decided."""

    judgement: Judgement = "unknown"
    why: str = ""


class Event(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One thing that happened.

    id: unique within `source` · source: the key or provider that sent it · type: a standard type
    or any custom name · occurred_at, received_at: UTC, millisecond resolution is kept ·
    context: page {url, path, title, referrer, search}, campaign, user_agent, ip (truncated).
    """

    v: int = ENVELOPE_VERSION
    id: str
    source: str
    type: str
    occurred_at: datetime
    received_at: datetime
    identifiers: Identifiers
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}
    consent: dict[str, Any] = {}
    verdict: Verdict = Verdict()


_encoder = msgspec.json.Encoder(order=None)
_decoder = msgspec.json.Decoder(Event)


def encode_event(event: Event) -> bytes:
    """The event as JSON bytes: the value of a record on lead-events."""
    return _encoder.encode(event)


def decode_event(value: bytes) -> Event:
    """Read a record's value. Raises msgspec.ValidationError or DecodeError if it isn't an event."""
    return _decoder.decode(value)


def milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970 UTC, rounded down."""
    return (instant - EPOCH) // _MILLISECOND


def instant(at_ms: int) -> datetime:
    """The UTC instant of a number of milliseconds since 1970."""
    return EPOCH + at_ms * _MILLISECOND


def rfc3339(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds, such as 2026-05-03T10:00:00.000Z."""
    return instant(at_ms).isoformat(timespec="milliseconds").replace("+00:00", "Z")

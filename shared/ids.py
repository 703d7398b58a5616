"""Ids made from content: partition keys, dedupe keys, message ids; and new lead ids."""

from __future__ import annotations

import hmac
import os
from functools import lru_cache
from hashlib import blake2b, sha256
from uuid import UUID

# The driver's UUID: a subclass of the standard one, made and sent in a fraction of the time.
from asyncpg.pgproto.pgproto import UUID as FastUUID  # noqa: N811

from shared.envelope import Identifiers

# uuid5 namespace of everything the router publishes.
MESSAGE_NAMESPACE = UUID("6f1f9f2e-5d0a-4f0e-9b61-1d6f0b0c7a11")


def strongest_identifier(who: Identifiers) -> tuple[str, str] | None:
    """(kind, value) of the identifier that says most; the order is that of this function's ifs."""
    if who.user_id:
        return "user_id", who.user_id
    if who.email:
        return "email", who.email
    if who.phone:
        return "phone", who.phone
    if who.external:
        return "external", "\x1f".join(min(who.external.items()))
    if who.anonymous_id:
        return "anonymous_id", who.anonymous_id
    return None


def partition_key(hash_key: bytes, who: Identifiers) -> bytes:
    """The record key: HMAC-SHA256 of the strongest identifier, cut to 16 bytes."""
    kind, value = strongest_identifier(who) or ("", "")
    return hmac.digest(hash_key, f"{kind}\x1f{value}".encode(), "sha256")[:16]


def dedupe_key(hash_key: bytes, source: str, event_id: str) -> UUID:
    """What makes an event the same event: a 128-bit keyed hash of (source, id). Keyed, because
    senders make ids of what they know of a person, and such a hash could be guessed.

    No time goes in front of the hash, although that would be kinder to the index: a resend may
    carry another time (clock skew is corrected anew), and must still be found.
    """
    hasher = _dedupe_hasher(hash_key).copy()
    hasher.update(f"{source}\x1f{event_id}".encode())
    return FastUUID(hasher.digest())


@lru_cache(maxsize=8)
def _dedupe_hasher(hash_key: bytes) -> blake2b:
    """BLAKE2b with its key taken in: a copy of it costs less than a new one."""
    if len(hash_key) > blake2b.MAX_KEY_SIZE:
        hash_key = blake2b(hash_key).digest()
    return blake2b(key=hash_key, digest_size=16, person=b"dedupe")


def derived_id(*parts: str) -> str:
    """The id of an event that comes without one of its own: SHA-256 of what makes it this event
    and no other, cut to 40 hex digits.
    """
    return sha256("\x1f".join(parts).encode("utf-8", "replace")).hexdigest()[:40]


def identifier_hash(hash_key: bytes, kind: int, value: str) -> bytes:
    """An identifier where it must not be readable (erasures, merges taken back): HMAC-SHA256, cut
    to 16 bytes. kind: shared.identity.
    """
    return hmac.digest(hash_key, f"identifier\x1f{kind}\x1f{value}".encode(), "sha256")[:16]


def new_lead_id(now_ms: int) -> UUID:
    """A UUID version 7: time first, so that new leads sit together in the index."""
    random = int.from_bytes(os.urandom(10), "big")
    value = (now_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | (random >> 68) << 64
    value |= 0b10 << 62 | random & 0x3FFF_FFFF_FFFF_FFFF
    return FastUUID(value.to_bytes(16, "big"))


def shard_of(lead_id: UUID, shards: int) -> int:
    """The outbox shard of a lead."""
    return lead_id.int % shards

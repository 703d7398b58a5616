"""An order to erase a person, as it travels on lead-events: lead ids and keyed hashes, no name."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from uuid import UUID

import msgspec

from shared.envelope import Event, Identifiers, instant, milliseconds
from shared.errors import PoisonError
from shared.event_types import OPERATOR, PERSON_ERASED

# Of a hash, see shared.ids.identifier_hash.
HASH_BYTES = 16


@dataclass(frozen=True, slots=True)
class ErasureOrder:
    """Who is to be erased, and who says so.

    lead_ids: the person's leads, as far as known then · hashes: of all their identifiers · person:
    of the one by which they were asked for · at_ms: what was received before it goes.
    """

    id: UUID
    lead_ids: tuple[UUID, ...]
    hashes: tuple[bytes, ...]
    person: bytes
    at_ms: int
    actor: str = ""
    reason: str = ""


class _Properties(msgspec.Struct):
    leads: list[UUID]
    hashes: list[str]
    person: str
    actor: str = ""
    reason: str = ""


def is_erasure(event: Event) -> bool:
    """No sender outside can make one: the source is ours."""
    return event.type == PERSON_ERASED and event.source == OPERATOR


def erasure_event(order: ErasureOrder) -> Event:
    """The event of an order. It names nobody."""
    at = instant(order.at_ms)
    said = _Properties(
        leads=list(order.lead_ids),
        hashes=[one.hex() for one in order.hashes],
        person=order.person.hex(),
        actor=order.actor,
        reason=order.reason,
    )
    return Event(
        id=str(order.id),
        source=OPERATOR,
        type=PERSON_ERASED,
        occurred_at=at,
        received_at=at,
        identifiers=Identifiers(),
        properties=msgspec.to_builtins(said),
    )


def read_erasure_order(event: Event) -> ErasureOrder:
    """The order of an event. Raises PoisonError when it isn't one."""
    try:
        said = msgspec.convert(event.properties, _Properties)
        hashes = tuple(bytes.fromhex(one) for one in said.hashes)
        order = ErasureOrder(
            id=UUID(event.id),
            lead_ids=tuple(said.leads),
            hashes=hashes,
            person=bytes.fromhex(said.person),
            at_ms=milliseconds(event.received_at),
            actor=said.actor,
            reason=said.reason,
        )
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise PoisonError("bad_erasure", f"not an erasure: {type(error).__name__}") from None
    if any(len(one) != HASH_BYTES for one in (*hashes, order.person)):
        raise PoisonError("bad_erasure", f"hashes have {HASH_BYTES} bytes")
    return order


def erasure_key(hash_key: bytes, order: ErasureOrder) -> bytes:
    """The record key: of the first lead, else of the person, so that it says nothing of a name."""
    named = order.lead_ids[0].bytes if order.lead_ids else order.person
    return hmac.digest(hash_key, b"erasure\x1f" + named, "sha256")[:HASH_BYTES]

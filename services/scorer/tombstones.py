"""Events of people erased since: told by keyed hashes, and left out of the batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from services.scorer import erasure_queries as queries
from services.scorer.arrivals import Arrival
from shared.envelope import instant, milliseconds
from shared.identity import ANONYMOUS, Identifier
from shared.ids import identifier_hash


class Tombstone(NamedTuple):
    """An identifier was erased at this instant. shared: an anonymous id of several people."""

    erased_ms: int
    shared: bool


async def without_erased(
    connection: Any, arrivals: Sequence[Arrival], erased_ms: int, hash_key: bytes
) -> Sequence[Arrival]:
    """A batch without what was received before its person was erased, and without what a sender
    sends again that was erased.

    erased_ms: the newest erasure's. Nothing is looked up for events that happened after it.
    """
    if not erased_ms:
        return arrivals
    erased_at = instant(erased_ms)
    suspects = [
        one for one in arrivals if one.at_ms < erased_ms or one.event.received_at < erased_at
    ]
    if not suspects:
        return arrivals
    stones = await _stones(connection, suspects, hash_key)
    if not stones:
        return arrivals
    gone: set[int] = set()
    again: list[Arrival] = []
    for one in suspects:
        until_ms = _erased_until(one, stones)
        if milliseconds(one.event.received_at) < until_ms:
            gone.add(id(one))
        elif one.at_ms < until_ms:
            again.append(one)
    if again:
        rows = await connection.fetch(queries.ERASED_EVENTS, [one.key for one in again])
        keys = {row[0] for row in rows}
        gone.update(id(one) for one in again if one.key in keys)
    return [one for one in arrivals if id(one) not in gone]


async def _stones(
    connection: Any, suspects: Iterable[Arrival], hash_key: bytes
) -> dict[Identifier, Tombstone]:
    carried = {identifier for one in suspects for identifier in _carried(one)}
    by_hash = {identifier_hash(hash_key, *identifier): identifier for identifier in carried}
    rows = await connection.fetch(queries.TOMBSTONES, list(by_hash))
    return {by_hash[row["hash"]]: Tombstone(row["erased_ms"], row["shared"]) for row in rows}


def _carried(arrival: Arrival) -> list[Identifier]:
    mention = arrival.mention
    found = [*mention.names, *mention.aliases]
    if mention.anonymous_id:
        found.append((ANONYMOUS, mention.anonymous_id))
    return found


def _erased_until(arrival: Arrival, stones: dict[Identifier, Tombstone]) -> int:
    """When the person of this event was erased; 0: never. On a shared anonymous id a name says that
    it is somebody else's event.
    """
    named = bool(arrival.mention.names)
    found = [stones[one] for one in _carried(arrival) if one in stones]
    return max((one.erased_ms for one in found if not (one.shared and named)), default=0)

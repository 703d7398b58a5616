"""Which identifiers events mention, which they claim, and how they stand in the table. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from services.scorer.arrivals import Arrival
from shared.envelope import Event
from shared.event_types import ALIAS
from shared.identity import ANONYMOUS, USER_ID, Identifier, known_identifiers


class IdentifierRow(NamedTuple):
    """A row of the table identifier."""

    kind: int
    value: str
    since_ms: int
    claimed_ms: int | None
    lead_id: UUID


def alias_identifiers(event: Event) -> list[Identifier]:
    """The identifiers that an alias event says belong to the same person as its own."""
    previous = event.properties.get("previous_id")
    if event.type != ALIAS or not isinstance(previous, str) or not previous:
        return []
    return [(USER_ID, previous), (ANONYMOUS, previous)]


def claimed_anonymous_ids(event: Event) -> list[str]:
    """The anonymous ids on which an event identifies its person."""
    who = event.identifiers
    claimed = [value for kind, value in alias_identifiers(event) if kind == ANONYMOUS]
    if who.anonymous_id and known_identifiers(who):
        claimed.append(who.anonymous_id)
    return claimed


def mentioned_identifiers(arrivals: Iterable[Arrival]) -> list[Identifier]:
    """Every identifier a batch speaks of, each once."""
    found: set[Identifier] = set()
    for arrival in arrivals:
        event = arrival.event
        if event.identifiers.anonymous_id:
            found.add((ANONYMOUS, event.identifiers.anonymous_id))
        found.update(arrival.names)
        if event.type == ALIAS:
            found.update(alias_identifiers(event))
    return list(found)

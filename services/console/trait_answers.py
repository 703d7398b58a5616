"""What the API answers about traits."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.console.answers import Answer, Instant


class SaidValue(Answer):
    """A value that a trait had until another was said; null where an event took the trait away.

    since: the first event in a row that said so · at, event_id, source, type: the last of them ·
    times: how many events.
    """

    value: Any
    since: Instant
    at: Instant
    event_id: str
    source: str
    type: str
    times: int


class Trait(Answer):
    """value: as it stands, null where the lead doesn't have it · said: what events said of it,
    newest first; empty where that isn't in the page · more: older values than told are in it.
    """

    name: str
    value: Any
    said: list[SaidValue]
    more: bool


class TraitHistory(Answer):
    """A page of what a lead's events said of its traits, by name. events: how many were read ·
    next_cursor: for those before them, null for none.
    """

    items: list[Trait]
    events: int
    merged_into: UUID | None
    next_cursor: str | None

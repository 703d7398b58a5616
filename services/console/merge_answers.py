"""What the API answers about merges."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from services.console.answers import Answer, Instant


class AcceptedMerge(Answer):
    """The order is kept safe, and carried out within about a second. lead_id, other: the two ·
    event_id: of the event that says so.
    """

    accepted: Literal[True] = True
    lead_id: UUID
    other: UUID
    event_id: str


class Merge(Answer):
    """A lead became part of another. cause: the word it went by · undone_at: when it was taken
    back, null if it stands.
    """

    absorbed: UUID
    survivor: UUID
    at: Instant
    cause: Literal["identify", "alias", "operator"]
    actor: str
    undone_at: Instant | None
    undone_by: str


class Merges(Answer):
    """Those that a lead took part in, newest first, at most 500."""

    items: list[Merge]

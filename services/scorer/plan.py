"""What resolving decides about a batch: whose identifiers change, who merges. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from services.scorer.anonymous import AnonymousId
from services.scorer.assignment import ScopeRow
from services.scorer.mentions import Apart, IdentifierRow
from shared.facts import Cause
from shared.identity import Identifier

MergeCause = Literal["identify", "alias", "operator"]
# What a merge goes by, and who asked for it.
Why = tuple[MergeCause, str]

MOST_PEOPLE = 20
MOST_IDENTIFIERS = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """people: so many may identify on an anonymous id before it is quarantined · identifiers: so
    many a lead may have; more are not attached.
    """

    people: int = MOST_PEOPLE
    identifiers: int = MOST_IDENTIFIERS


@dataclass(slots=True)
class Reviewed:
    """What a review of leads found.

    identifiers: those whose rows are replaced · rows: by these · touched: whose they were, and are
    · homes: stored events → their lead, where that is another now · causes: leads to be folded
    again → why · rejoined: absorbed leads → into whom, where that changed · revived: leads that
    were absorbed and stand again → their former survivor · parted: new leads → the lead they were
    part of · partings: operators' words in this batch, with their positions · actor: who asked.
    """

    identifiers: set[Identifier]
    rows: list[ScopeRow]
    touched: set[UUID]
    homes: dict[UUID, UUID]
    causes: dict[UUID, Cause]
    rejoined: dict[UUID, UUID]
    revived: dict[UUID, UUID]
    parted: dict[UUID, UUID]
    partings: list[tuple[int, str, str, Apart]]
    actor: str = ""


@dataclass(slots=True)
class Plan:
    """What resolving decided.

    created: new lead → is it known · became_known: leads that were anonymous and now have a name ·
    inserts: identifier rows nobody had · claims: anonymous id → (first claim, its lead), to update
    the first row · merges: absorbed lead → survivor, both existing · contested: anonymous ids whose
    runs change for more than one person: their history may have to move · why: of merges, what
    caused them, and who asked · mentions: identifiers that events name though they are somebody
    else's, with the lead of the event · refused: identifiers not attached, for a lead had too many.

    Of leads that were reviewed: review: what it found, see services/scorer/review.py.
    """

    created: dict[UUID, bool] = field(default_factory=dict)
    became_known: set[UUID] = field(default_factory=set)
    inserts: list[IdentifierRow] = field(default_factory=list)
    claims: dict[str, tuple[int, UUID]] = field(default_factory=dict)
    merges: dict[UUID, UUID] = field(default_factory=dict)
    contested: dict[str, AnonymousId] = field(default_factory=dict)
    why: dict[UUID, tuple[MergeCause, str]] = field(default_factory=dict)
    mentions: set[tuple[int, str, UUID]] = field(default_factory=set)
    conflicts: int = 0
    refused: int = 0
    review: Reviewed | None = None

    @property
    def changes_hands(self) -> bool:
        """Does any identifier that was there before belong to somebody else, or otherwise, now?"""
        return bool(
            self.merges or self.claims or self.contested or self.became_known or self.review
        )

"""The table of identifiers as a batch sees it: rows that were read, and what the batch adds."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.scorer.anonymous import AnonymousId
from services.scorer.identity_cache import FoundRow
from services.scorer.mentions import IdentifierRow
from shared.identity import ANONYMOUS, Identifier, Marks


class Directory:
    """Whose identifiers are.

    known: names → their lead · births: of names that were there before the batch, when they were
    first seen (at the latest; -1: nobody knows), and their marks · anonymous: by anonymous id ·
    new_rows: what the batch adds · moved: leads that were absorbed in this batch → by whom.
    """

    def __init__(self, rows: Iterable[FoundRow]) -> None:
        self.known: dict[Identifier, UUID] = {}
        self.births: dict[Identifier, tuple[int, int]] = {}
        self.anonymous: dict[str, AnonymousId] = {}
        self.new_rows: dict[Identifier, IdentifierRow] = {}
        self.moved: dict[UUID, UUID] = {}
        for kind, value, since_ms, claimed_ms, lead_id, marks, _, _ in rows:
            if kind != ANONYMOUS:
                self.known[kind, value] = lead_id
                self.births[kind, value] = (-1 if claimed_ms is None else claimed_ms, marks)
            else:
                if value not in self.anonymous:
                    self.anonymous[value] = AnonymousId([], None)
                self.anonymous[value].add_run(since_ms, claimed_ms, lead_id, marks)

    def standing(self, lead_id: UUID) -> UUID:
        """The lead itself, or the one that it has become part of in this batch."""
        while lead_id in self.moved:
            lead_id = self.moved[lead_id]
        return lead_id

    def owner(self, name: Identifier) -> UUID:
        """The lead of a name that somebody has."""
        return self.standing(self.known[name])

    def may_be_born(self, name: Identifier, at_ms: int) -> bool:
        """Would an event of this instant be the first, or nearly, to name a name that was there?"""
        return name in self.births and at_ms <= self.births[name][0]

    def hangs(self, name: Identifier) -> bool:
        """Is the name its lead's only by way of another?"""
        new = self.new_rows.get(name)
        return bool((new.marks if new is not None else self.births[name][1]) & Marks.HANGS)

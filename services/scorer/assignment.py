"""Which lead each person is, once names and anonymous ids have been shared out. Pure.

Leads keep their ids wherever that is possible: a person is the oldest known lead that one of its
names was put down for; a visitor, the lead of its anonymous id. Who wasn't apart before gets a new
one; a lead that nobody is any more was absorbed by the person who has its identifiers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from services.scorer.belonging import Person, Shares
from shared.identity import ANONYMOUS, Identifier, Marks


class ScopeRow(NamedTuple):
    """A row of the table identifier. origin: the lead it was put down for."""

    kind: int
    value: str
    since_ms: int
    claimed_ms: int | None
    lead_id: UUID
    origin: UUID
    marks: int


class Standing(NamedTuple):
    """What is known of a lead."""

    known: bool
    merged_into: UUID | None


@dataclass(slots=True)
class Assignment:
    """Whose lead is whose. created: new leads, and whether they have a name · merged: absorbed →
    survivor, of leads that stood · rejoined: the same, of leads absorbed before · revived: leads
    that were absorbed and stand again → their former survivor · parted: new leads → the lead they
    were part of · rows: what the table is to hold for the names and anonymous ids shared out.
    """

    lead_of: dict[Person, UUID] = field(default_factory=dict)
    visitor_of: dict[tuple[str, int], UUID] = field(default_factory=dict)
    created: dict[UUID, bool] = field(default_factory=dict)
    named: set[UUID] = field(default_factory=set)
    merged: dict[UUID, UUID] = field(default_factory=dict)
    rejoined: dict[UUID, UUID] = field(default_factory=dict)
    revived: dict[UUID, UUID] = field(default_factory=dict)
    parted: dict[UUID, UUID] = field(default_factory=dict)
    rows: list[ScopeRow] = field(default_factory=list)


def assign(
    shares: Shares,
    rows: Iterable[ScopeRow],
    leads: Mapping[UUID, Standing],
    new_id: Callable[[], UUID],
) -> Assignment:
    """rows: what the table held for the names and anonymous ids that were shared out · leads: those
    of the rows, and their origins.
    """
    return _Assigning(shares, list(rows), leads, new_id).run()


class _Assigning:
    def __init__(
        self,
        shares: Shares,
        rows: list[ScopeRow],
        leads: Mapping[UUID, Standing],
        new_id: Callable[[], UUID],
    ) -> None:
        self._shares = shares
        self._rows = rows
        self._leads = leads
        self._new_id = new_id
        self._made = Assignment(lead_of=dict(shares.given))
        self._taken: set[UUID] = set(shares.given.values())
        self._row_of: dict[Identifier, ScopeRow] = {}
        for row in sorted(rows, key=lambda row: row.since_ms):
            self._row_of.setdefault((row.kind, row.value), row)

    def run(self) -> Assignment:
        for person in self._people():
            self._made.lead_of[person] = self._lead_for(person)
        for anonymous_id, stretches in sorted(self._shares.stretches.items()):
            for stretch in stretches:
                if stretch.person is None:
                    self._visitor(anonymous_id, stretch.since_ms)
        self._write_rows()
        self._close()
        return self._made

    def _people(self) -> list[Person]:
        """Those without a lead so far, the one that was there first in front."""
        births: dict[Person, tuple[int, Identifier]] = {}
        for name, birth in self._shares.births.items():
            person = self._shares.person_of[name]
            if person not in self._made.lead_of:
                born = (birth.at_ms, name)
                births[person] = min(births.get(person, born), born)
        return sorted(births, key=lambda person: births[person])

    def _lead_for(self, person: Person) -> UUID:
        names = [name for name, who in self._shares.person_of.items() if who == person]
        origins = {row.origin for name in names if (row := self._row_of.get(name))}
        free = sorted((not self._leads[one].known, one) for one in origins & self._free())
        if free:
            return self._take(free[0][1], known=True)
        was_of = {row.lead_id for name in names if (row := self._row_of.get(name))}
        if not was_of:
            for lead_id in self._visitors_of(person):
                return self._take(lead_id, known=True)
        return self._create(known=True, was_of=was_of)

    def _visitors_of(self, person: Person) -> list[UUID]:
        """Leads without a name whose anonymous id is, first of all, this person's."""
        found = {
            row.origin
            for anonymous_id, stretches in self._shares.stretches.items()
            if stretches[0].person == person
            and (row := self._row_of.get((ANONYMOUS, anonymous_id)))
            and not self._is_known(row.origin)
        }
        return sorted(found & self._free())

    def _free(self) -> set[UUID]:
        """Leads of these rows that nobody is yet, and absorbed ones. (An origin may be gone, as
        leads are that were erased; or stand by itself elsewhere.)
        """
        absorbed = {one for one, lead in self._leads.items() if lead.merged_into is not None}
        return (absorbed | {row.lead_id for row in self._rows}) & self._leads.keys() - self._taken

    def _visitor(self, anonymous_id: str, since_ms: int) -> None:
        """The lead of an anonymous id while it is nobody's."""
        rows = [row for row in self._rows if (row.kind, row.value) == (ANONYMOUS, anonymous_id)]
        if since_ms:
            rows = [row for row in rows if row.marks & Marks.QUARANTINED]
        free = {row.origin for row in rows[:1] if not self._is_known(row.origin)} & self._free()
        if free:
            lead_id = self._take(free.pop(), known=False)
        else:
            lead_id = self._create(known=False, was_of={row.lead_id for row in rows[:1]})
        self._made.visitor_of[anonymous_id, since_ms] = lead_id

    def _is_known(self, lead_id: UUID) -> bool:
        standing = self._leads.get(lead_id)
        return standing is not None and standing.known

    def _take(self, lead_id: UUID, *, known: bool) -> UUID:
        self._taken.add(lead_id)
        standing = self._leads[lead_id]
        if standing.merged_into is not None:
            self._made.revived[lead_id] = next(
                (row.lead_id for row in self._rows if row.origin == lead_id), standing.merged_into
            )
        if known and not standing.known:
            self._made.named.add(lead_id)
        return lead_id

    def _create(self, *, known: bool, was_of: set[UUID]) -> UUID:
        lead_id = self._new_id()
        self._made.created[lead_id] = known
        if was_of:
            self._made.parted[lead_id] = min(was_of)
        self._taken.add(lead_id)
        return lead_id

    def _write_rows(self) -> None:
        for name, birth in self._shares.births.items():
            lead_id = self._made.lead_of[self._shares.person_of[name]]
            marks = Marks.HANGS if birth.hangs else Marks.NONE
            self._add_row(name, 0, birth.at_ms, lead_id, marks)
        for anonymous_id, stretches in self._shares.stretches.items():
            quarantined_ms = self._shares.quarantined_ms.get(anonymous_id)
            for stretch in stretches:
                quarantined = stretch.since_ms == quarantined_ms
                self._add_row(
                    (ANONYMOUS, anonymous_id),
                    stretch.since_ms,
                    None if stretch.since_ms else self._shares.first_claims.get(anonymous_id),
                    self._made.visitor_of[anonymous_id, stretch.since_ms]
                    if stretch.person is None
                    else self._made.lead_of[stretch.person],
                    Marks.QUARANTINED if quarantined else Marks.NONE,
                )

    def _add_row(
        self, name: Identifier, since_ms: int, claimed_ms: int | None, lead_id: UUID, marks: Marks
    ) -> None:
        before = self._row_of.get(name)
        origin = before.origin if before is not None and not since_ms else lead_id
        if origin in self._taken:
            origin = lead_id  # the other stands by itself: it was never really theirs
        self._made.rows.append(ScopeRow(*name, since_ms, claimed_ms, lead_id, origin, int(marks)))

    def _close(self) -> None:
        """Leads that nobody is: absorbed by whoever has what was put down for them."""
        heir: dict[UUID, UUID] = {}
        for row in self._rows:
            now = self._heir_of(row)
            for lead_id in (row.lead_id, row.origin):
                if now is not None and lead_id != now:
                    heir.setdefault(lead_id, now)
        for lead_id in sorted(heir.keys() & self._free()):
            standing, now = self._leads[lead_id], heir[lead_id]
            if standing.merged_into is None:
                self._made.merged[lead_id] = now
            elif standing.merged_into != now:
                self._made.rejoined[lead_id] = now

    def _heir_of(self, row: ScopeRow) -> UUID | None:
        if row.kind != ANONYMOUS:
            return self._made.lead_of[self._shares.person_of[row.kind, row.value]]
        stretch = self._shares.stretches[row.value][0]
        if stretch.person is None:
            return self._made.visitor_of[row.value, stretch.since_ms]
        return self._made.lead_of[stretch.person]

"""Resolve: which lead each event belongs to. Pure: rows in, a plan out.

The rules, in order:
- A known identifier (user id, email, phone, external id) belongs to one lead. An event that carries
  several belongs to the owner of the strongest; the others are attached to that lead if nobody has
  them. If somebody else has one, nothing is merged: two known people stay two (a conflict, which is
  counted).
- An anonymous id belongs to its own lead until somebody identifies on it. Then it belongs to people
  by runs of occurred_at: from each identify to the next of another person; what came before the
  first belongs to the first. Any event with a known identifier and an anonymous id identifies.
- Only an alias or an operator merges two known leads; the older survives.

What an event in its time can't change any more (it names somebody before what is known of them, or
an operator's word may speak against it) is left open, for services/scorer/review.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from operator import attrgetter
from uuid import UUID

from services.scorer.anonymous import AnonymousId, Run, without_repeats
from services.scorer.arrivals import Arrival
from services.scorer.directory import Directory
from services.scorer.doubts import Doubts
from services.scorer.identity_cache import FoundRow
from services.scorer.mentions import IdentifierRow, Mention
from services.scorer.plan import Limits, Plan, Why
from shared.event_types import ALIAS, LEADS_MERGED, OPERATOR
from shared.identity import ANONYMOUS, Identifier, Marks


class Resolver:
    """Works a batch through a directory of identifiers held in memory. full: leads that can't have
    more identifiers · spoken_of: has an operator ever kept this identifier's person apart from
    somebody?
    """

    def __init__(
        self,
        rows: Iterable[FoundRow],
        known_leads: set[UUID],
        now_ms: int,
        new_id: Callable[[int], UUID],
        limits: Limits = Limits(),  # noqa: B008 - frozen
        full: Set[UUID] = frozenset(),
        spoken_of: Callable[[Identifier], bool] = lambda _identifier: False,
    ) -> None:
        directory = Directory(rows)
        self._known, self._anonymous = directory.known, directory.anonymous
        self._new_rows, self._moved = directory.new_rows, directory.moved
        self._standing, self._births = directory.standing, directory.births
        self._doubts = Doubts(directory, limits, spoken_of)
        self._full = full
        self._known_leads = known_leads
        self._now_ms = now_ms
        self._new_id = new_id
        self.plan = Plan()
        # Arrivals that only a review of their leads can place.
        self.open: list[Arrival] = []

    def resolve(self, arrivals: Sequence[Arrival]) -> Plan:
        """Give every arrival its lead, in order of occurrence, and return what changed. Where some
        are left `open`, the plan is worth nothing: review those, and resolve the others again.
        """
        for arrival in sorted(self._unsettled(arrivals), key=attrgetter("position")):
            if self._doubts.about(arrival):
                self.open.append(arrival)
            else:
                arrival.lead_id = self._owner(arrival)
        if self.open:
            return self.plan
        if self._moved:
            for arrival in arrivals:
                assert arrival.lead_id is not None
                arrival.lead_id = self._standing(arrival.lead_id)
        self.plan.inserts = sorted(
            row._replace(lead_id=self._standing(row.lead_id)) for row in self._new_rows.values()
        )
        self.plan.claims = {
            anonymous_id: (claimed_ms, self._standing(lead_id))
            for anonymous_id, (claimed_ms, lead_id) in self.plan.claims.items()
        }
        self.plan.merges = {
            absorbed: self._standing(survivor) for absorbed, survivor in self.plan.merges.items()
        }
        self.plan.mentions = {
            (kind, value, self._standing(lead_id)) for kind, value, lead_id in self.plan.mentions
        }
        self.plan.became_known = {
            self._standing(lead_id) for lead_id in self.plan.became_known
        } - self.plan.created.keys()
        for anonymous in self.plan.contested.values():
            anonymous.runs = [
                run._replace(lead_id=self._standing(run.lead_id)) for run in anonymous.runs
            ]
            anonymous.people = {self._standing(lead_id) for lead_id in anonymous.people}
        if self.plan.contested:
            self._share_out(arrivals)
        return self.plan

    def _share_out(self, arrivals: Sequence[Arrival]) -> None:
        """Events that carry nothing but a contested id: whoever has it in their millisecond."""
        for arrival in arrivals:
            mention = arrival.mention
            anonymous = self.plan.contested.get(mention.anonymous_id or "")
            if anonymous is not None and not mention.names:
                arrival.lead_id = anonymous.owner_at(arrival.at_ms)

    def _unsettled(self, arrivals: Sequence[Arrival]) -> list[Arrival]:
        """Give the arrivals that settle themselves their lead; return the others.

        Nearly every event is of a person whom nothing in the batch changes. Those are seen to
        mention by mention, not one by one. They come first, although in order of occurrence they
        may come after: they change nothing, and nothing that is open touches their browsers.
        """
        lines: dict[Mention, list[Arrival]] = {}
        for arrival in arrivals:
            line = lines.get(arrival.mention)
            if line is None:
                lines[arrival.mention] = [arrival]
            else:
                line.append(arrival)
        owners = {mention: self._settled_owner(mention, line) for mention, line in lines.items()}
        touched = {
            value
            for mention, owner in owners.items()
            if owner is None
            for value in (mention.anonymous_id, *(v for k, v in mention.aliases if k == ANONYMOUS))
        }
        left: list[Arrival] = []
        for mention, line in lines.items():
            owner = owners[mention]
            if owner is None or (mention.anonymous_id and mention.anonymous_id in touched):
                left += line
                continue
            for arrival in line:
                arrival.lead_id = owner
        return left

    def _settled_owner(self, mention: Mention, line: list[Arrival]) -> UUID | None:
        """The lead of one name that is known, on a browser that has only ever been this person's;
        or of a browser that has only ever been one lead's. None: look closely.
        """
        names, anonymous_id = mention.names, mention.anonymous_id
        anonymous = self._anonymous.get(anonymous_id) if anonymous_id else None
        if (anonymous is not None and len(anonymous.runs) > 1) or mention.apart is not None:
            return None
        if not names:
            return anonymous.runs[0].lead_id if anonymous is not None else None
        if len(names) > 1 or mention.aliases:
            return None
        lead_id = self._known.get(names[0])
        if lead_id is not None:
            born_ms, marks = self._births[names[0]]
            if marks & Marks.HANGS and any(arrival.at_ms <= born_ms for arrival in line):
                return None
        if anonymous_id and lead_id is not None:
            if anonymous is None or anonymous.runs[0].lead_id != lead_id:
                return None
            claimed_ms = anonymous.claimed_ms
            if claimed_ms is None or any(arrival.at_ms < claimed_ms for arrival in line):
                return None
        return lead_id

    def _owner(self, arrival: Arrival) -> UUID:
        mention = arrival.mention
        names, anonymous_id = mention.names, mention.anonymous_id
        if not names:
            assert anonymous_id is not None
            return self._visitor(anonymous_id, arrival.at_ms)
        lead_id = self._person(names, anonymous_id, arrival.at_ms)
        why = _why(arrival)
        if anonymous_id:
            self._claim(anonymous_id, arrival.at_ms, lead_id, why)
        for name in mention.aliases:
            if name[0] == ANONYMOUS:
                self._claim(name[1], arrival.at_ms, self._standing(lead_id), why)
            else:
                self._alias(name, lead_id, arrival.at_ms, why)
        return self._standing(lead_id)

    def _visitor(self, anonymous_id: str, at_ms: int) -> UUID:
        anonymous = self._anonymous.get(anonymous_id)
        if anonymous is None:
            lead_id = self._create(known=False)
            self._insert_anonymous(anonymous_id, None, lead_id)
            return lead_id
        return self._standing(anonymous.owner_at(at_ms))

    def _person(self, names: list[Identifier], anonymous_id: str | None, at_ms: int) -> UUID:
        owners = {name: self._standing(self._known[name]) for name in names if name in self._known}
        if owners:
            lead_id = next(iter(owners.values()))
            others = [name for name, owner in owners.items() if owner != lead_id]
            if others:
                self.plan.conflicts += 1
                self.plan.mentions |= {(*name, lead_id) for name in others}
        else:
            lead_id = self._nameless(anonymous_id) or self._create(known=True)
        for name in names:
            if name not in self._known:
                hangs = bool(owners) or name != names[0]
                self._attach(name, at_ms, lead_id, Marks.HANGS if hangs else Marks.NONE)
        return lead_id

    def _attach(self, name: Identifier, at_ms: int, lead_id: UUID, marks: Marks) -> None:
        """A name that nobody had."""
        if lead_id in self._full:
            self.plan.refused += 1
            return
        self._known[name] = lead_id
        self._new_rows[name] = IdentifierRow(*name, 0, at_ms, lead_id, int(marks))

    def _nameless(self, anonymous_id: str | None) -> UUID | None:
        """The anonymous lead that gets its name now, if this id has one without."""
        anonymous = self._anonymous.get(anonymous_id) if anonymous_id else None
        if anonymous is None or anonymous.claimed_ms is not None:
            return None
        lead_id = self._standing(anonymous.runs[0].lead_id)
        if lead_id in self._known_leads:
            return None
        self._known_leads.add(lead_id)
        if lead_id in self.plan.created:
            self.plan.created[lead_id] = True
        else:
            self.plan.became_known.add(lead_id)
        return lead_id

    def _claim(self, anonymous_id: str, at_ms: int, lead_id: UUID, why: Why) -> None:
        anonymous = self._anonymous.get(anonymous_id)
        if anonymous is None:
            if lead_id in self._full:
                self.plan.refused += 1
            else:
                self._insert_anonymous(anonymous_id, at_ms, lead_id)
            return
        if anonymous.quarantined_ms is not None:
            return  # at or after it: what comes before is reviewed
        first = self._standing(anonymous.runs[0].lead_id)
        if anonymous.claimed_ms is None:
            if first != lead_id and first not in self._known_leads:
                self._merge(first, lead_id, why)
            elif first != lead_id:
                self._contest(anonymous_id, anonymous, lead_id)
            self._first_claim(anonymous_id, anonymous, at_ms, lead_id)
        elif at_ms < anonymous.claimed_ms:
            if first != lead_id:
                late = Run(anonymous.claimed_ms, first)
                anonymous.runs[0:1] = [Run(0, lead_id), late]
                self._contest(anonymous_id, anonymous, lead_id)
            self._first_claim(anonymous_id, anonymous, at_ms, lead_id)
        elif self._standing(anonymous.owner_at(at_ms)) != lead_id:
            self._switch(anonymous, at_ms, lead_id)
            self._contest(anonymous_id, anonymous, lead_id)
        elif len(anonymous.runs) > 1 and anonymous.has_border_at(at_ms):
            # Who was first within the same millisecond? The stored events tell.
            self._contest(anonymous_id, anonymous, lead_id)

    def _contest(self, anonymous_id: str, anonymous: AnonymousId, lead_id: UUID) -> None:
        anonymous.people.add(lead_id)
        self.plan.contested[anonymous_id] = anonymous

    def _switch(self, anonymous: AnonymousId, at_ms: int, lead_id: UUID) -> None:
        before = [run for run in anonymous.runs[1:] if run.since_ms < at_ms]
        after = [run for run in anonymous.runs[1:] if run.since_ms > at_ms]
        anonymous.runs = without_repeats([anonymous.runs[0], *before, Run(at_ms, lead_id), *after])

    def _first_claim(
        self, anonymous_id: str, anonymous: AnonymousId, at_ms: int, lead_id: UUID
    ) -> None:
        anonymous.claimed_ms = at_ms
        anonymous.runs[0] = Run(0, lead_id)
        row = self._new_rows.get((ANONYMOUS, anonymous_id))
        if row is None:
            self.plan.claims[anonymous_id] = (at_ms, lead_id)
        else:
            self._new_rows[ANONYMOUS, anonymous_id] = row._replace(
                claimed_ms=at_ms, lead_id=lead_id
            )

    def _alias(self, name: Identifier, lead_id: UUID, at_ms: int, why: Why) -> None:
        if name not in self._known:
            self._attach(name, at_ms, lead_id, Marks.NONE)
            return
        other = self._standing(self._known[name])
        if other != lead_id:
            # Lead ids begin with their time of creation: the smaller is the older.
            self._merge(max(other, lead_id), min(other, lead_id), why)

    def _merge(self, absorbed: UUID, survivor: UUID, why: Why) -> None:
        self._moved[absorbed] = survivor
        if absorbed in self.plan.created:
            del self.plan.created[absorbed]
            return
        if survivor in self.plan.created:
            # The survivor is new in this batch, the absorbed has a history.
            self.plan.created[survivor] = True
        self.plan.merges[absorbed] = survivor
        self.plan.why[absorbed] = why

    def _create(self, *, known: bool) -> UUID:
        lead_id = self._new_id(self._now_ms)
        self.plan.created[lead_id] = known
        if known:
            self._known_leads.add(lead_id)
        return lead_id

    def _insert_anonymous(self, anonymous_id: str, claimed_ms: int | None, lead_id: UUID) -> None:
        self._anonymous[anonymous_id] = AnonymousId([Run(0, lead_id)], claimed_ms)
        self._new_rows[ANONYMOUS, anonymous_id] = IdentifierRow(
            ANONYMOUS, anonymous_id, 0, claimed_ms, lead_id
        )


def _why(arrival: Arrival) -> Why:
    """What kind of word a merge goes by, and whose."""
    event = arrival.event
    if event.type == LEADS_MERGED and event.source == OPERATOR:
        return "operator", str(event.properties.get("actor", ""))
    return ("alias" if event.type == ALIAS else "identify"), ""

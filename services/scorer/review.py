"""Reviewing who is who: leads whose events must be shared out anew.

Rare, and as dear as a merge: all events of the leads concerned are read. Needed where an event is
older than what is known of those it names, and where an operator takes a merge back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from services.scorer import queries
from services.scorer.arrivals import Arrival
from services.scorer.assignment import Assignment, ScopeRow, Standing, assign
from services.scorer.belonging import Deed, Parting, Shares, Sharing
from services.scorer.frozen import frozen_deeds
from services.scorer.history import Stored, stored_events
from services.scorer.leads import Lead
from services.scorer.mentions import Apart, Mention, mention_of, mentioned_identifiers
from services.scorer.plan import Plan, Reviewed, Why
from services.scorer.scene import Scene
from shared.event_types import LEADS_MERGED
from shared.facts import Cause
from shared.identity import ANONYMOUS, Identifier, Marks
from shared.ids import identifier_hash


@dataclass(slots=True)
class Scope:
    """What is shared out anew. arrivals: events of the batch that touch it · leads: whose names are
    shared out · sharers: others who have, or had, anonymous ids of theirs, or whose events
    name them: their own names stay ·
    given: these names · rows: of the table, for all names and anonymous ids shared out · versions:
    of all these leads.
    """

    arrivals: list[Arrival]
    identifiers: set[Identifier] = field(default_factory=set)
    leads: set[UUID] = field(default_factory=set)
    sharers: set[UUID] = field(default_factory=set)
    given: dict[Identifier, UUID] = field(default_factory=dict)
    rows: list[ScopeRow] = field(default_factory=list)
    versions: dict[UUID, int] = field(default_factory=dict)

    def new_identifiers(self) -> set[Identifier]:
        """Those of which the table has no row."""
        return self.identifiers - {(row.kind, row.value) for row in self.rows}

    def is_touched_by(self, mention: Mention) -> bool:
        """Does an event say something of those concerned, or make a sharer somebody else?"""
        mentioned = mentioned_identifiers([mention])
        return any(one in self.identifiers for one in mentioned) or (
            bool(mention.aliases) and any(one in self.given for one in mentioned)
        )

    def to_lock(self) -> set[UUID]:
        """The leads concerned, and those that were absorbed by them."""
        return self.leads | self.sharers | {row.origin for row in self.rows}


async def find_scope(
    connection: Any, incoming: Sequence[Arrival], opened: Sequence[Arrival]
) -> Scope:
    """What must be looked at to place the opened arrivals, and who else in the batch touches it."""
    scope = Scope(list(opened))
    while True:
        scope = await _read_scope(connection, scope.arrivals)
        pulled = {id(arrival) for arrival in scope.arrivals}
        more = [
            arrival
            for arrival in incoming
            if id(arrival) not in pulled and scope.is_touched_by(arrival.mention)
        ]
        if not more:
            return scope
        scope.arrivals += more


async def _read_scope(connection: Any, arrivals: list[Arrival]) -> Scope:
    mentioned = mentioned_identifiers(arrival.mention for arrival in arrivals)
    scope = Scope(arrivals, identifiers=set(mentioned))
    found = await connection.fetch(
        queries.RESOLVE, [kind for kind, _ in mentioned], [value for _, value in mentioned]
    )
    scope.leads = {row["lead_id"] for row in found if row["kind"] != ANONYMOUS}
    await _read_rows(connection, scope)
    others = await _identifiers_of(connection, scope.sharers, scope.versions)
    scope.given = {(row.kind, row.value): row.lead_id for row in others if row.kind != ANONYMOUS}
    return scope


async def _read_rows(connection: Any, scope: Scope) -> None:
    mine = await _identifiers_of(connection, scope.leads, scope.versions)
    browsers = {value for kind, value in scope.identifiers if kind == ANONYMOUS}
    browsers |= {row.value for row in mine if row.kind == ANONYMOUS}
    runs = _scope_rows(await connection.fetch(queries.RUNS, list(browsers)), scope.versions)
    scope.rows = sorted([row for row in mine if row.kind != ANONYMOUS] + runs)
    scope.identifiers |= {(row.kind, row.value) for row in scope.rows}
    names = [one for one in scope.identifiers if one[0] != ANONYMOUS]
    mentioning = await connection.fetch(
        queries.MENTIONING, [kind for kind, _ in names], [value for _, value in names]
    )
    scope.versions |= {row["id"]: row["identity_version"] for row in mentioning}
    scope.sharers = {row.lead_id for row in runs} | {row["id"] for row in mentioning}
    scope.sharers -= scope.leads


async def _identifiers_of(
    connection: Any, leads: Iterable[UUID], versions: dict[UUID, int]
) -> list[ScopeRow]:
    return _scope_rows(await connection.fetch(queries.LEADS_IDENTIFIERS, list(leads)), versions)


def _scope_rows(rows: Iterable[Any], versions: dict[UUID, int]) -> list[ScopeRow]:
    found = []
    for *columns, version in rows:
        row = ScopeRow(*columns)
        versions[row.lead_id] = version
        found.append(row)
    return found


async def review(
    connection: Any, scope: Scope, leads: dict[UUID, Lead], plan: Plan, scene: Scene, now_ms: int
) -> bool:
    """Share the scope out anew, under the locks of its leads. Gives its arrivals their leads and
    adds to the plan. False: somebody has changed the scope since it was read.
    """
    again = Scope(scope.arrivals, set(scope.identifiers), scope.leads)
    await _read_rows(connection, again)
    if again.rows != scope.rows:
        return False
    stored = await stored_events(connection, scope.leads | scope.sharers)
    deeds = [Deed(one.position, mention_of(one.event)) for one in stored]
    deeds += [Deed(arrival.position, arrival.mention) for arrival in scope.arrivals]
    given = scope.given | await _foreign(connection, scope, deeds)
    horizons = {one: leads[one].state.carried_ms for one in scope.leads | scope.sharers}
    frozen = frozen_deeds(scope.rows, scope.given, horizons)

    @cache
    def hash_of(identifier: Identifier) -> str:
        return identifier_hash(scene.hash_key, *identifier).hex()

    browsers = [value for kind, value in scope.identifiers if kind == ANONYMOUS]
    quarantined = {row.value: row.since_ms for row in scope.rows if row.marks & Marks.QUARANTINED}
    sharing = Sharing(given, browsers, scene.limits.people, hash_of)
    shares = sharing.share_out(
        [*frozen, *deeds], await _partings(connection, scope, hash_of), quarantined
    )
    standing = {
        lead_id: Standing(leads[lead_id].known, leads[lead_id].merged_into)
        for lead_id in scope.to_lock()
        if lead_id in leads
    }
    made = assign(shares, scope.rows, standing, lambda: scene.new_id(now_ms))
    _place(scope, stored, deeds, shares, made, plan)
    return True


async def _foreign(connection: Any, scope: Scope, deeds: Iterable[Deed]) -> dict[Identifier, UUID]:
    """Names in these events that are somebody else's, who isn't concerned."""
    names = {
        name
        for deed in deeds
        for name in (*deed.mention.names, *deed.mention.aliases)
        if name[0] != ANONYMOUS and name not in scope.identifiers and name not in scope.given
    }
    if not names:
        return {}
    rows = await connection.fetch(
        queries.RESOLVE, [kind for kind, _ in names], [value for _, value in names]
    )
    return {(row["kind"], row["value"]): row["lead_id"] for row in rows}


async def _partings(
    connection: Any, scope: Scope, hash_of: Callable[[Identifier], str]
) -> list[Parting]:
    """What operators said of those concerned, in this batch or before."""
    found = [
        Parting(arrival.position, arrival.mention.apart)
        for arrival in scope.arrivals
        if arrival.mention.apart is not None
    ]
    hashes = [bytes.fromhex(hash_of(one)) for one in scope.identifiers]
    for at_ms, source, event_id, *sides in await connection.fetch(queries.PARTINGS, hashes):
        these, those = (frozenset(one.hex() for one in side) for side in sides)
        found.append(Parting((at_ms, source, event_id), Apart(these, those)))
    return found


def _place(
    scope: Scope,
    stored: Sequence[Stored],
    deeds: Sequence[Deed],
    shares: Shares,
    made: Assignment,
    plan: Plan,
) -> None:
    """Give each event its lead, and put all that follows into the plan."""
    homes: dict[UUID, UUID] = {}
    moved: set[UUID] = set()
    for deed in deeds:
        plan.mentions |= _mentions(deed, shares, made)
    for one, deed in zip(stored, deeds, strict=False):  # the arrivals' deeds come after
        home = _home(deed, shares, made)
        if home is not None and made.merged.get(one.lead_id, one.lead_id) != home:
            moved |= {one.lead_id, home}
        if home is not None and one.lead_id != home:
            homes[one.key] = home
    for arrival in scope.arrivals:
        arrival.lead_id = _home(Deed(arrival.position, arrival.mention), shares, made)
    causes: dict[UUID, Cause] = dict.fromkeys(moved - made.merged.keys(), "history")
    for apart in (made.revived, made.parted):
        causes |= dict.fromkeys((*apart, *apart.values()), "unmerge")
    plan.created |= made.created
    plan.became_known |= made.named
    plan.merges |= made.merged
    plan.why |= dict.fromkeys(made.merged, _why(scope))
    plan.review = Reviewed(
        identifiers=scope.identifiers,
        rows=made.rows,
        touched={row.lead_id for row in (*scope.rows, *made.rows)},
        homes=homes,
        causes={lead_id: why for lead_id, why in causes.items() if lead_id not in made.merged},
        rejoined=made.rejoined,
        revived=made.revived,
        parted=made.parted,
        partings=[
            (*arrival.position, arrival.mention.apart)
            for arrival in scope.arrivals
            if arrival.mention.apart is not None
        ],
        actor=_actor(scope),
    )


def _home(deed: Deed, shares: Shares, made: Assignment) -> UUID | None:
    """The lead of an event. None: nothing in it was shared out."""
    mention = deed.mention
    if mention.names:
        return made.lead_of[shares.person_of[mention.names[0]]]
    stretches = shares.stretches.get(mention.anonymous_id or "")
    if stretches is None:
        return None
    at_ms = deed.position[0]
    stretch = max((one for one in stretches if one.since_ms <= at_ms), default=stretches[0])
    if stretch.person is None:
        return made.visitor_of[str(mention.anonymous_id), stretch.since_ms]
    return made.lead_of[stretch.person]


def _mentions(deed: Deed, shares: Shares, made: Assignment) -> set[tuple[int, str, UUID]]:
    """Names in an event that are not its own person's."""
    mention, home = deed.mention, _home(deed, shares, made)
    if home is None:
        return set()
    return {
        (*name, home)
        for name in (*mention.names, *mention.aliases)
        if name[0] != ANONYMOUS and made.lead_of[shares.person_of[name]] != home
    }


def _why(scope: Scope) -> Why:
    if any(arrival.event.type == LEADS_MERGED for arrival in scope.arrivals):
        return "operator", _actor(scope)
    return ("alias" if any(one.mention.aliases for one in scope.arrivals) else "identify"), ""


def _actor(scope: Scope) -> str:
    said = (str(one.event.properties.get("actor", "")) for one in scope.arrivals)
    return next((actor for actor in said if actor), "")

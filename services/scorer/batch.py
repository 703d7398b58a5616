"""One batch of one partition, one transaction: claim, resolve, lock, dedupe, score, write."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from services.scorer import queries
from services.scorer.arrivals import Arrival
from services.scorer.identity import Resolver
from services.scorer.identity_cache import FoundRow
from services.scorer.leads import Lead, loaded_lead, new_lead
from services.scorer.mentions import IdentifierRow, mentioned_identifiers
from services.scorer.outcome import Outcome
from services.scorer.plan import Plan
from services.scorer.review import Scope, find_scope, review
from services.scorer.scene import NewerRulesetError, Scene
from services.scorer.scoring import score
from services.scorer.tombstones import without_erased
from services.scorer.writing import write_identity, write_outcome
from shared.errors import TryAgainError
from shared.identity import Identifier

NOBODY = UUID(int=0)
# In one transaction: each folds a lead's whole history again, while others wait for the lock.
MOST_MERGES = 500


class LostPartitionError(Exception):
    """The claim failed: another scorer owns the partition, or the batch was taken in already."""


class OldResolutionError(TryAgainError):
    """Identities changed between reading and locking: the batch must be resolved again."""


class TooManyMergesError(Exception):
    """The batch should be taken in by so many parts."""

    def __init__(self, merges: int) -> None:
        super().__init__(f"{merges} merges")
        self.parts = -(-merges // MOST_MERGES)


@dataclass(frozen=True, slots=True)
class BatchClaim:
    """What a batch takes: a partition's records from one offset up to another."""

    topic: str
    partition: int
    from_offset: int
    next_offset: int
    epoch: int
    watermark_ms: int


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a batch."""

    events: int
    duplicates: int
    entries: int
    changes: int
    refolded: int
    merged: int
    conflicts: int
    reviewed: int = 0
    refused: int = 0
    erased: int = 0


async def take_in(
    connection: Any, claim: BatchClaim, arrivals: Sequence[Arrival], scene: Scene
) -> Taken:
    """Take a batch in, inside the caller's transaction.

    Raises LostPartitionError, OldResolutionError, NewerRulesetError, TooManyMergesError, or what
    Postgres raises; in every case the caller rolls back.
    """
    if any(arrival.mention.apart is not None for arrival in arrivals):
        await connection.execute(queries.LOCK_PARTINGS)
    claimed = await connection.fetchrow(
        queries.CLAIM, claim.topic, claim.partition, claim.from_offset, claim.next_offset,
        claim.epoch, claim.watermark_ms,
    )  # fmt: skip
    if claimed is None:
        raise LostPartitionError(f"{claim.topic}/{claim.partition} from {claim.from_offset}")
    now_ms, newest_parting, erased_ms = claimed
    await scene.partings.refresh(connection, newest_parting)
    given = len(arrivals)
    arrivals = await without_erased(connection, arrivals, erased_ms, scene.hash_key)
    erased = given - len(arrivals)
    if not arrivals:
        return Taken(0, 0, 0, 0, 0, 0, 0, erased=erased)
    unique = {arrival.key: arrival for arrival in reversed(arrivals)}
    incoming = arrivals if len(unique) == len(arrivals) else list(reversed(unique.values()))
    mentioned = mentioned_identifiers({arrival.mention for arrival in incoming})
    try:
        plan, versions, scope = await _resolve(connection, mentioned, incoming, scene, now_ms)
        if len(plan.merges) > MOST_MERGES and len(arrivals) > 1:
            raise TooManyMergesError(len(plan.merges))
        leads = await _lock(connection, plan, versions, incoming, scene.ruleset.version, scope)
        if scope is not None and not await review(connection, scope, leads, plan, scene, now_ms):
            raise OldResolutionError("the leads that are reviewed have changed since")
    except OldResolutionError:
        scene.identities.forget(mentioned)
        raise
    if plan.changes_hands:
        scene.identities.forget(mentioned)
    if plan.review is not None:
        scene.identities.forget(plan.review.identifiers)
    seen = await _seen(connection, unique.keys(), scene)
    fresh = [arrival for arrival in incoming if arrival.key not in seen] if seen else incoming
    _found(leads, plan, incoming, scene, now_ms)
    outcome = Outcome(scene.shards, scene.accounts is not None)
    refolded = await score(connection, leads, plan, incoming, fresh, scene, outcome)
    await write_identity(connection, plan)
    try:
        await write_outcome(connection, outcome)
    except asyncpg.UniqueViolationError:
        scene.resends.was_too_narrow(unique)
        raise
    return Taken(
        events=len(fresh), duplicates=len(arrivals) - len(fresh), entries=outcome.entries,
        changes=len(outcome.changes), refolded=refolded, merged=len(plan.merges),
        conflicts=plan.conflicts, reviewed=len(scope.leads) if scope else 0, refused=plan.refused,
        erased=erased,
    )  # fmt: skip


async def _seen(connection: Any, keys: Set[UUID], scene: Scene) -> set[UUID]:
    """Those of these events that are stored already."""
    wanted = scene.resends.to_look_up(keys)
    seen = {row[0] for row in await connection.fetch(queries.SEEN, wanted)} if wanted else set()
    scene.resends.learn(keys, seen)
    return seen


async def _resolve(
    connection: Any,
    mentioned: Sequence[Identifier],
    incoming: Sequence[Arrival],
    scene: Scene,
    now_ms: int,
) -> tuple[Plan, dict[UUID, int], Scope | None]:
    """Give each arrival its lead; put down identifiers nobody had. Returns the leads' versions, and
    what has to be reviewed once they are locked.
    """
    found, missing = scene.identities.look_up(mentioned)
    if missing:
        read = await connection.fetch(
            queries.RESOLVE, [kind for kind, _ in missing], [value for _, value in missing]
        )
        read = [tuple(row) for row in read]
        scene.identities.keep(read)
        found += read
    versions: dict[UUID, int] = {}
    known: set[UUID] = set()
    for row in found:
        lead_id, version = row[4], row[7]
        if version <= versions.get(lead_id, version):
            versions[lead_id] = version  # the oldest: one old row is enough to look again
        if row[6]:
            known.add(lead_id)
    plan, scope = await _planned(connection, found, known, incoming, scene, now_ms)
    rows = plan.inserts
    if scope is not None:
        versions = scope.versions | versions  # those read first: they must not have grown since
        # Put down at once, too, so that nobody else does meanwhile; the review replaces them.
        rows = sorted(
            rows + [IdentifierRow(*one, 0, None, NOBODY) for one in scope.new_identifiers()]
        )
    if rows:
        columns = [list(column) for column in zip(*rows, strict=True)]
        status = await connection.execute(queries.INSERT_IDENTIFIERS, *columns)
        if int(status.rpartition(" ")[2]) != len(rows):
            raise OldResolutionError("another scorer has put an identifier down first")
    return plan, versions, scope


async def _planned(
    connection: Any,
    found: Sequence[FoundRow],
    known: set[UUID],
    incoming: Sequence[Arrival],
    scene: Scene,
    now_ms: int,
) -> tuple[Plan, Scope | None]:
    """The plan for all arrivals but those that a review has to place: these are the scope's."""
    full: set[UUID] = set()
    scope: Scope | None = None
    said = [one.mention.apart for one in incoming if one.mention.apart is not None]
    parted = scene.partings.including(said) if said else scene.partings
    rest = incoming
    while True:
        resolver = Resolver(
            found, set(known), now_ms, scene.new_id, scene.limits, full, parted.speak_of
        )
        plan = resolver.resolve(rest)
        opened = resolver.open
        if scope is not None and not opened:
            # Whoever would merge a lead under review into another is part of the review.
            into = {plan.merges[one] for one in plan.merges.keys() & scope.to_lock()}
            opened = [arrival for arrival in rest if arrival.lead_id in into]
        if opened:
            opened = opened if scope is None else [*scope.arrivals, *opened]
            scope = await find_scope(connection, incoming, opened)
            reviewed = {id(arrival) for arrival in scope.arrivals}
            rest = [arrival for arrival in incoming if id(arrival) not in reviewed]
            for arrival in scope.arrivals:
                arrival.lead_id = None  # until the review says
            continue
        more = {row.lead_id for row in plan.inserts} - plan.created.keys() - full
        counts = await connection.fetch(queries.COUNT_IDENTIFIERS, list(more)) if more else []
        too_many = {row[0] for row in counts if row[1] >= scene.limits.identifiers}
        if not too_many:
            return plan, scope
        full |= too_many


async def _lock(
    connection: Any,
    plan: Plan,
    versions: dict[UUID, int],
    incoming: Sequence[Arrival],
    ruleset_version: int,
    scope: Scope | None,
) -> dict[UUID, Lead]:
    """Lock every existing lead the batch touches, in id order, and see that nothing has moved."""
    wanted = {one.lead_id for one in incoming if one.lead_id is not None} | plan.merges.keys()
    wanted |= set(plan.merges.values()) | {lead_id for _, lead_id in plan.claims.values()}
    for anonymous in plan.contested.values():
        wanted |= anonymous.people
    wanted |= {row.lead_id for row in plan.inserts}
    wanted -= plan.created.keys()
    concerned = scope.to_lock() if scope is not None else frozenset()
    wanted |= concerned
    if not wanted:
        return {}
    leads = {}
    for row in await connection.fetch(queries.LOCK_LEADS, sorted(wanted)):
        lead = loaded_lead(row)
        # (A lead that was absorbed by one under review has no identifiers, and no version.)
        absorbed = lead.id in concerned and lead.id not in versions
        if not absorbed and (
            lead.merged_into is not None or lead.identity_version != versions.get(lead.id)
        ):
            raise OldResolutionError("a lead's identity has changed since it was read")
        if lead.ruleset_version > ruleset_version:
            raise NewerRulesetError(lead.ruleset_version)
        leads[lead.id] = lead
    if wanted - leads.keys() - concerned:
        raise OldResolutionError("a lead is gone since it was read")
    return leads


def _found(
    leads: dict[UUID, Lead], plan: Plan, incoming: Sequence[Arrival], scene: Scene, now_ms: int
) -> None:
    """Make the leads that are new, and give names to those that got one."""
    first_ms: dict[UUID, int] = {}
    if plan.created:
        for arrival in incoming:
            lead_id = arrival.lead_id
            if lead_id in plan.created:
                first_ms[lead_id] = min(first_ms.get(lead_id, arrival.at_ms), arrival.at_ms)
    for lead_id, known in plan.created.items():
        leads[lead_id] = new_lead(
            lead_id, scene.ruleset, known, now_ms, first_ms.get(lead_id, now_ms)
        )
    for lead_id in plan.became_known:
        leads[lead_id].known = True
        leads[lead_id].bump_identity()

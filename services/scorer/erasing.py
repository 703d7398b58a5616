"""Erasing a person: one short transaction after which nobody finds them, then the history in
pieces, then the proof.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.scorer import erasure_queries as queries
from services.scorer.account_queries import NOTE_ACCOUNTS
from services.scorer.accounts import shard_of_account
from services.scorer.batch import BatchClaim, LostPartitionError
from services.scorer.queries import CLAIM, NOW_MS
from services.scorer.scrubbing import Scrubber
from shared.bodies import open_body, pack_body
from shared.erasure_order import ErasureOrder
from shared.identity import ANONYMOUS, Identifier
from shared.ids import identifier_hash
from shared.lead_state import decode_scores, encode_scores
from shared.person_queries import PERSON_LEADS

# Rows of a person's history that one transaction deletes: some tens of milliseconds.
ROWS_AT_ONCE = 5000
# A batch gives new leads ids of when it began.
LONGEST_BATCH_MS = 300_000


@dataclass(frozen=True, slots=True)
class _Person:
    """Everything by which a person is found. shared: anonymous ids that others have used, too, by
    whom.
    """

    leads: list[UUID]
    identifiers: list[Identifier]
    shared: dict[str, set[UUID]]

    def own(self) -> list[Identifier]:
        """Identifiers that are nobody else's."""
        return [(k, v) for k, v in self.identifiers if k != ANONYMOUS or v not in self.shared]


async def begin_erasure(connection: Any, order: ErasureOrder, hash_key: bytes) -> bool:
    """Delete a person but for the rows of PIECES, inside the caller's transaction: whoever looks
    for them afterwards finds nobody, and batches that begin afterwards know of it. False: that
    was done before.
    """
    if await connection.fetchval(queries.BEGUN, order.id):
        return False
    began_ms = await connection.fetchval(NOW_MS)
    named = list(order.lead_ids)
    # The person came after the order was written, or the database was restored, and leads have
    # other ids now. Looking through all takes seconds, so batches aren't held back meanwhile.
    lost = not named or await connection.fetchval(queries.HOW_MANY, named) < len(set(named))
    if lost:
        named += await _found_by_hash(connection, order, hash_key, 0)
    await connection.execute(queries.HOLD_BATCHES)
    if lost:
        since_ms = began_ms - LONGEST_BATCH_MS
        named += await _found_by_hash(connection, order, hash_key, since_ms)
    # A clock that is ahead must not have new events dropped.
    order = replace(order, at_ms=min(order.at_ms, await connection.fetchval(NOW_MS)))
    begun = await connection.fetchval(
        queries.BEGIN, order.id, order.at_ms, order.actor, order.reason, order.person,
        list(order.lead_ids),
    )  # fmt: skip
    if begun is None:
        return False
    await connection.execute(queries.MARK_PARTITIONS, order.at_ms)
    person = await _person(connection, named)
    others = await _others(connection, person)
    locked = await connection.fetch(queries.LOCK, sorted({*person.leads, *others}))
    await _bury(connection, order, person, hash_key)
    counts = {"others_events": await _scrub(connection, person, others, locked)}
    await connection.execute(queries.UNMENTION, *_columns(person.identifiers))
    accounts = [row[0] for row in await connection.fetch(queries.LEAVE_ACCOUNTS, person.leads)]
    for place, statement in queries.PLACES.items():
        counts[place] = _rows(await connection.execute(statement, person.leads))
    await _pass_on(connection, person)
    await _note_accounts(connection, accounts)
    counts["accounts"] = len(accounts)
    await connection.execute(queries.NOTE, order.id, person.leads, json.dumps(counts))
    return True


async def erase_piece(connection: Any, order: ErasureOrder) -> bool:
    """Delete some of the person's history, inside the caller's transaction. False: none is left."""
    leads = await connection.fetchval(queries.UNDER_WAY, order.id)
    for place, statement in queries.PIECES.items() if leads else ():
        gone = await connection.fetchval(statement, leads, ROWS_AT_ONCE, order.at_ms)
        if gone:
            await connection.execute(queries.COUNT, order.id, place, gone)
            return True
    return False


async def end_erasure(connection: Any, claim: BatchClaim, order: ErasureOrder) -> bool:
    """Take the order's record in and finish the proof, inside the caller's transaction. False: it
    was finished before. Raises LostPartitionError.
    """
    claimed = await connection.fetchrow(
        CLAIM, claim.topic, claim.partition, claim.from_offset, claim.next_offset, claim.epoch,
        claim.watermark_ms,
    )  # fmt: skip
    if claimed is None:
        raise LostPartitionError(f"{claim.topic}/{claim.partition} from {claim.from_offset}")
    return await connection.fetchval(queries.END, order.id) is not None


async def _person(connection: Any, named: Sequence[UUID]) -> _Person:
    leads = [row[0] for row in await connection.fetch(PERSON_LEADS, named)]
    rows = await connection.fetch(queries.IDENTIFIERS, leads)
    identifiers = sorted({(row["kind"], row["value"]) for row in rows})
    visits = [value for kind, value in identifiers if kind == ANONYMOUS]
    shared: dict[str, set[UUID]] = {}
    for value, lead_id in await connection.fetch(queries.SHARED, visits, leads):
        shared.setdefault(value, set()).add(lead_id)
    return _Person(leads, identifiers, shared)


async def _found_by_hash(
    connection: Any, order: ErasureOrder, hash_key: bytes, since_ms: int
) -> list[UUID]:
    """Leads made since then that have one of the order's identifiers: each is compared. Anonymous
    ids may be several people's: of them only the one that was asked for.
    """
    found = []
    names = {*order.hashes, order.person}
    first = UUID(int=max(since_ms, 0) << 80)  # lead ids begin with their time
    async for row in connection.cursor(queries.IDENTIFIERS_SINCE, first, prefetch=5000):
        stone = identifier_hash(hash_key, row["kind"], row["value"])
        if stone in names and (row["kind"] != ANONYMOUS or stone == order.person):
            found.append(row["lead_id"])
    return found


async def _others(connection: Any, person: _Person) -> list[UUID]:
    """Leads of others whose events may name the person."""
    found = await connection.fetch(queries.MENTIONING_LEADS, *_columns(person.own()), person.leads)
    return [row[0] for row in found]


async def _bury(connection: Any, order: ErasureOrder, person: _Person, hash_key: bytes) -> None:
    """Put the tombstones down. What the order says beside what is found now was theirs, too."""
    stones = dict.fromkeys(order.hashes, False)
    for kind, value in person.identifiers:
        shared = kind == ANONYMOUS and value in person.shared
        stones[identifier_hash(hash_key, kind, value)] = shared
    stones.setdefault(order.person, False)
    await connection.execute(
        queries.BURY, list(stones), list(stones.values()), order.at_ms, order.id
    )
    await connection.execute(queries.PARTINGS, list(stones))


async def _scrub(
    connection: Any, person: _Person, others: Sequence[UUID], locked: Sequence[Any]
) -> int:
    """Take the person out of what others' events and traits say. Returns how many events."""
    if not others:
        return 0
    scrubber = Scrubber(person.own())
    strongest = {
        row["lead_id"]: (row["kind"], row["value"])
        for row in await connection.fetch(queries.STRONGEST, others)
    }
    rewritten = []
    async for row in connection.cursor(queries.EVENTS_OF, others, prefetch=1000):
        body = scrubber.body(open_body(row["body"]), strongest.get(row["lead_id"]))
        if body is not None:
            rewritten.append((row["key"], pack_body(body)))
    if rewritten:
        await connection.execute(queries.REWRITE_BODIES, *map(list, zip(*rewritten, strict=True)))
    for row in locked:
        if row["id"] not in person.leads:
            await _scrub_traits(connection, scrubber, row["id"], row["scores"])
    return len(rewritten)


async def _scrub_traits(connection: Any, scrubber: Scrubber, lead_id: UUID, scores: bytes) -> None:
    """In a lead's scores, in its checkpoints, and in what retention carries of it."""
    checkpoints = await connection.fetch(queries.CHECKPOINTS_OF, lead_id)
    carried = await connection.fetch(queries.CARRY_OF, lead_id)
    places = [
        (queries.REWRITE_SCORES, lead_id, scores),
        *((queries.REWRITE_CHECKPOINT, *row) for row in checkpoints),
        *((queries.REWRITE_CARRY, *row) for row in carried),
    ]
    for statement, which, stored in places:
        state = decode_scores(stored)
        traits = scrubber.cleaned(state.traits)
        if traits != state.traits:
            state.traits = traits
            await connection.execute(statement, which, encode_scores(state))


async def _pass_on(connection: Any, person: _Person) -> None:
    """Anonymous ids that others have used, too, are theirs now, as if the person had never been."""
    if person.shared:
        await connection.execute(queries.FIRST_RUNS, list(person.shared))
        await connection.execute(queries.BUMP, list(set().union(*person.shared.values())))


async def _note_accounts(connection: Any, accounts: Sequence[str]) -> None:
    """Have companies made anew without the person; one without anybody goes with its history."""
    if accounts:
        shards = [shard_of_account(key) for key in accounts]
        await connection.execute(NOTE_ACCOUNTS, shards, list(accounts))
        await connection.execute(queries.EMPTY_ACCOUNTS, list(accounts))


def _columns(identifiers: Sequence[Identifier]) -> tuple[list[int], list[str]]:
    return [kind for kind, _ in identifiers], [value for _, value in identifiers]


def _rows(status: str) -> int:
    """How many rows a statement changed, from its command tag."""
    return int(status.rpartition(" ")[2])

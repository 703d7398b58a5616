"""Seeing to companies outside the batches: one owner per shard, for as long as a transaction.

Batches append dirty leads. The owner of a lead's shard finds the lead's account, and appends the
accounts it left and joined. The owner of an account's shard makes its scores anew from its members'
stored states. Notes are deleted before anything is read: what is committed later leaves its own.
No lead is locked, so no batch ever waits for an account.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.scorer import account_queries as queries
from services.scorer import metrics
from services.scorer.account_facts import Member, account_fact, account_release
from services.scorer.account_making import Before, Made, make_account, portions
from services.scorer.accounts import AccountRules, account_of, shard_of_account
from services.scorer.core.by_time import scored_until_ms
from services.scorer.scene import NewerRulesetError, Scene
from shared.facts import AccountChanged, HandoffReleased, fact_document
from shared.identity import EMAIL
from shared.ids import shard_of
from shared.lead_state import decode_scores

LEADS_AT_ONCE = 2000
ACCOUNTS_AT_ONCE = 50
# Read and held in memory together. A larger account is made alone.
MEMBERS_AT_ONCE = 10_000
# An account rests so long for each member before events make it anew: about six times what making
# it takes.
REST_A_MEMBER = timedelta(microseconds=100)
OWNER_SILENCE = "30s"
# The first half of the key of an advisory lock: "acco" in ASCII, then the shard.
LEAD_LOCK, ACCOUNT_LOCK = 0x6163636F, 0x61636370

Transact = Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]]


async def see_to_accounts(transact: Transact, scene: Callable[[], Scene]) -> int:
    """See to all that waits in shards nobody else owns now. Returns how many accounts were made.

    Nothing is made before the first watermark is known: points would not have faded.
    """
    if not scene().watermark_ms:
        return 0
    notes = dict(await transact(lambda c: c.fetch(queries.WAITING_LEADS)))
    metrics.ACCOUNT_NOTES.set(sum(notes.values()))
    for shard in notes:
        while await _in_shard(transact, find_accounts, scene, shard) == LEADS_AT_ONCE:
            pass
    made = 0
    watermark_ms = scene().watermark_ms
    for (shard,) in await transact(lambda c: c.fetch(queries.WAITING_ACCOUNTS, watermark_ms)):
        while done := await _in_shard(transact, make_accounts, scene, shard):
            made += done
    return made


async def _in_shard(
    transact: Transact,
    work: Callable[[Any, Scene, int], Awaitable[int]],
    scene: Callable[[], Scene],
    shard: int,
) -> int:
    done: int = await transact(lambda connection: work(connection, scene(), shard))
    return done


async def _owns(connection: Any, lock: int, shard: int) -> bool:
    row = await connection.fetchrow(queries.OWN, lock, shard, OWNER_SILENCE)
    return bool(row["ours"])


async def find_accounts(connection: Any, scene: Scene, shard: int) -> int:
    """Find the accounts of dirty leads, inside the caller's transaction. Returns how many notes
    were taken; 0 when somebody else owns the shard. Raises NewerRulesetError.
    """
    rules = scene.accounts
    if rules is None or not await _owns(connection, LEAD_LOCK, shard):
        return 0
    taken = [row[0] for row in await connection.fetch(queries.TAKE_LEADS, shard, LEADS_AT_ONCE)]
    if not taken:
        return 0
    leads = list(set(taken))
    before = dict(await connection.fetch(queries.ACCOUNTS_BEFORE, leads))
    now = await _accounts_now(connection, rules, scene, leads)
    moved = {lead for lead in leads if before.get(lead) != now.get(lead)}
    if parted := [lead for lead in moved if lead not in now]:
        await connection.execute(queries.PART, parted)
    if joined := [lead for lead in moved if lead in now]:
        await connection.execute(queries.JOIN, joined, [now[lead] for lead in joined])
    if dirty := sorted({*before.values(), *now.values()}):
        shards = [shard_of_account(key) for key in dirty]
        await connection.execute(queries.NOTE_ACCOUNTS, shards, dirty)
    return len(taken)


async def _accounts_now(
    connection: Any, rules: AccountRules, scene: Scene, leads: list[UUID]
) -> dict[UUID, str]:
    """The account of each lead that has one; leads that are gone or absorbed have none."""
    emails: dict[UUID, list[str]] = {}
    for lead, email in await connection.fetch(queries.EMAILS, leads, EMAIL):
        emails.setdefault(lead, []).append(email)
    found = {}
    for row in await connection.fetch(queries.LEADS, leads):
        _refuse_newer(row, scene)
        traits = decode_scores(row["scores"]).traits
        if (key := account_of(rules, traits, emails.get(row["id"], ()))) is not None:
            found[row["id"]] = key
    return found


def _refuse_newer(row: Mapping[str, Any], scene: Scene) -> None:
    if row["ruleset_version"] > scene.ruleset.version:
        raise NewerRulesetError(row["ruleset_version"])


async def make_accounts(connection: Any, scene: Scene, shard: int) -> int:
    """Make dirty and due accounts anew, inside the caller's transaction. Returns how many were
    taken; 0 when none is left, or somebody else owns the shard. Raises NewerRulesetError.
    """
    rules = scene.accounts
    if rules is None or not await _owns(connection, ACCOUNT_LOCK, shard):
        return 0
    dirty = await connection.fetch(queries.TAKE_ACCOUNTS, shard, ACCOUNTS_AT_ONCE)
    due = await connection.fetch(queries.DUE_ACCOUNTS, shard, scene.watermark_ms, ACCOUNTS_AT_ONCE)
    taken = {row[0] for row in dirty}
    keys = sorted(taken | {row[0] for row in due})
    stored = {row["key"]: row for row in await connection.fetch(queries.STORED, keys)}
    resting = {key for key, row in stored.items() if row["rests"]} & taken
    if resting:
        await connection.execute(queries.LET_REST, sorted(resting))
    sizes = {
        key: stored[key]["members"] if key in stored else 1 for key in keys if key not in resting
    }
    for some in portions(sizes, MEMBERS_AT_ONCE):
        before = {
            key: Before(
                stored[key]["stage"],
                stored[key]["stage_since_ms"],
                stored[key]["ruleset_version"],
                stored[key]["waits"],
            )
            for key in some
            if key in stored
        }
        await _make(connection, scene, rules, some, before)
    return len(keys)


async def _make(
    connection: Any,
    scene: Scene,
    rules: AccountRules,
    keys: list[str],
    before: Mapping[str, Before],
) -> None:
    """Accounts some of whose members are scored under an older ruleset stay as they are."""
    members: dict[str, list[tuple[UUID, bool, bytes]]] = {}
    outdated: set[str] = set()
    for row in await connection.fetch(queries.MEMBERS, keys):
        _refuse_newer(row, scene)
        if row["ruleset_version"] < scene.ruleset.version:
            outdated.add(row["account"])
        members.setdefault(row["account"], []).append((row["id"], row["known"], row["scores"]))
    if outdated:
        await connection.execute(queries.PUT_OFF, sorted(outdated))
    if empty := [key for key in keys if key not in members]:
        await connection.execute(queries.DROP, empty)
    current = {key: people for key, people in members.items() if key not in outdated}
    if not current:
        return

    def make_all() -> list[Made]:
        return [
            make_account(
                rules, scene.ruleset, key, [decode_scores(one) for _, _, one in people],
                before.get(key), scene.watermark_ms,
            )
            for key, people in current.items()
        ]  # fmt: skip

    # In a thread: ten thousand members are tenths of a second that batches would wait for.
    made = await asyncio.to_thread(make_all)
    await _save(connection, scene.ruleset.version, made)
    asked = {
        one.key: one
        for one in made
        if one.moved_from is not None or _waits(before.get(one.key)) is not None
    }
    if asked:
        people = {
            key: [Member(lead, known, decode_scores(one)) for lead, known, one in current[key]]
            for key in asked
        }
        await _tell(connection, scene, rules, asked, people, before)


def _waits(before: Before | None) -> int | None:
    return before.waits if before is not None else None


async def _tell(
    connection: Any,
    scene: Scene,
    rules: AccountRules,
    asked: Mapping[str, Made],
    people: Mapping[str, list[Member]],
    before: Mapping[str, Before],
) -> None:
    """Facts about companies that moved to a stage that a row of the hand-off table asks for, and
    hand-offs that waited for a name.
    """
    changes = dict(await connection.fetch(queries.CHANGES, list(asked)))
    rules_since_ms = await _rules_since(connection, scene.ruleset.version)
    facts: list[AccountChanged | HandoffReleased] = []
    waits: dict[str, int | None] = {}
    for key, made in asked.items():
        stored = before.get(key)
        waits[key] = _waits(stored)
        if made.moved_from is not None:
            newest_ms = max(scored_until_ms(one.state) for one in people[key])
            told = account_fact(
                rules, scene.ruleset, made, people[key], changes[key],
                by_rules=newest_ms < rules_since_ms
                if stored is None
                else stored.version != scene.ruleset.version,
                hand_off=scene.hand_off,
            )  # fmt: skip
            waits[key] = changes[key] if told.waits else None
            fact: AccountChanged | HandoffReleased | None = told.fact
        else:
            waited = waits[key]
            assert waited is not None
            fact = account_release(rules, scene.ruleset, made, people[key], waited)
            if fact is not None:
                waits[key] = None
        if fact is not None:
            facts.append(fact)
    changed = [key for key, change in waits.items() if change != _waits(before.get(key))]
    if changed:
        await connection.execute(queries.WAIT, changed, [waits[key] for key in changed])
    rows = [
        (shard_of(UUID(fact.lead_id), scene.shards), fact.lead_id, json.dumps(fact_document(fact)))
        for fact in facts
    ]
    if rows:
        await connection.execute(queries.TELL, *map(list, zip(*rows, strict=True)))


async def _rules_since(connection: Any, version: int) -> int:
    """Before which instant companies that are new to us are so because rules on them are: that of
    the first version that has any, else 0.
    """
    return int(await connection.fetchval(queries.RULES_SINCE, version) or 0)


async def _save(connection: Any, version: int, made: list[Made]) -> None:
    rows = [
        (one.key, shard_of_account(one.key), one.members, json.dumps(one.scores), one.at_ms,
         one.stage, one.since_ms, one.due_ms)
        for one in made
    ]  # fmt: skip
    columns = [list(column) for column in zip(*rows, strict=True)]
    await connection.execute(queries.SAVE, version, REST_A_MEMBER, *columns)
    moves = _moves(made, version)
    if moves:
        await connection.copy_records_to_table(
            "account_stage_history", columns=queries.MOVE_COLUMNS, records=moves
        )
    metrics.ACCOUNTS_MADE.inc(len(made))
    metrics.ACCOUNT_STAGE_CHANGES.inc(len(moves))


def _moves(made: Iterable[Made], version: int) -> list[tuple[Any, ...]]:
    """Rows of account_stage_history."""
    return [
        (one.key, one.at_ms, one.moved_from, one.stage, json.dumps(one.scores), version)
        for one in made
        if one.moved_from is not None
    ]


async def forget_accounts(connection: Any) -> None:
    """Under a ruleset without accounts: what is left of them goes, inside the caller's transaction.
    The history of their stages stays.
    """
    await connection.execute(queries.FORGET)

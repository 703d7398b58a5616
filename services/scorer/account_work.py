"""Seeing to companies outside the batches: one owner per shard, for as long as a transaction.

Batches append dirty leads. The owner of a lead's shard finds the lead's account, and appends the
accounts it left and joined. The owner of an account's shard makes its scores anew from its members'
stored states. Rows are deleted before anything is read: what is committed later leaves its own.
No lead is locked, so no batch ever waits for an account.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from services.scorer.accounts import (
    AccountRules,
    account_of,
    account_scores,
    account_stage,
    shard_of_account,
)
from services.scorer.core.by_time import scored_until_ms
from services.scorer.core.standing import score_at
from services.scorer.scene import Scene
from shared.identity import EMAIL
from shared.lead_state import decode_scores

# Scores fade: an account whose members have points is made anew at least so often.
RECHECK_MS = 15 * 60_000
LEADS_AT_ONCE = 2000
ACCOUNTS_AT_ONCE = 50
# The first half of the key of an advisory lock: "acco" in ASCII, then the shard.
LEAD_LOCK, ACCOUNT_LOCK = 0x6163636F, 0x61636370
MEMBERS_AT_ONCE = 500

OWN = "SELECT pg_try_advisory_xact_lock($1, $2)"
WAITING_LEADS = "SELECT DISTINCT shard FROM account_dirty_lead"
WAITING_ACCOUNTS = """
SELECT DISTINCT shard FROM account_dirty
UNION SELECT DISTINCT shard FROM account WHERE due_ms <= $1
"""
TAKE_LEADS = """
DELETE FROM account_dirty_lead WHERE id IN (
    SELECT id FROM account_dirty_lead WHERE shard = $1 ORDER BY id LIMIT $2
) RETURNING lead_id
"""
LEADS = """
SELECT l.id, l.scores, l.merged_into, m.account,
    ARRAY(SELECT value FROM identifier WHERE lead_id = l.id AND kind = $2) AS emails
FROM lead AS l LEFT JOIN account_member AS m ON m.lead_id = l.id WHERE l.id = ANY($1)
"""
JOIN = """
INSERT INTO account_member (lead_id, account) SELECT * FROM unnest($1::uuid[], $2::text[])
ON CONFLICT (lead_id) DO UPDATE SET account = excluded.account
"""
PART = "DELETE FROM account_member WHERE lead_id = ANY($1)"
NOTE_ACCOUNTS = """
INSERT INTO account_dirty (shard, account) SELECT * FROM unnest($1::int[], $2::text[])
"""
TAKE_ACCOUNTS = """
DELETE FROM account_dirty WHERE account IN (
    SELECT account FROM account_dirty WHERE shard = $1 ORDER BY id LIMIT $2
) RETURNING account
"""
DUE_ACCOUNTS = "SELECT key FROM account WHERE shard = $1 AND due_ms <= $2 ORDER BY due_ms LIMIT $3"
MEMBERS = """
SELECT l.scores FROM account_member AS m JOIN lead AS l ON l.id = m.lead_id
WHERE m.account = $1 AND l.merged_into IS NULL
"""
STORED = "SELECT stage, stage_since_ms FROM account WHERE key = $1"
SAVE = """
INSERT INTO account (
    key, shard, members, scores, at_ms, stage, stage_since_ms, ruleset_version, due_ms
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (key) DO UPDATE SET members = excluded.members, scores = excluded.scores,
    at_ms = excluded.at_ms, stage = excluded.stage, stage_since_ms = excluded.stage_since_ms,
    ruleset_version = excluded.ruleset_version, due_ms = excluded.due_ms
"""
DROP = "DELETE FROM account WHERE key = $1"
NOTE_MOVE = """
INSERT INTO account_stage_history (account, at_ms, from_stage, to_stage, scores, ruleset_version)
VALUES ($1, $2, $3, $4, $5, $6)
"""

Transact = Callable[[Callable[[Any], Awaitable[Any]]], Awaitable[Any]]


async def see_to_accounts(transact: Transact, scene: Callable[[], Scene]) -> int:
    """See to all that waits in shards nobody else owns now. Returns how many accounts were made."""
    for shard in await transact(lambda c: _shards(c, WAITING_LEADS)):
        while await transact(lambda c, s=shard: find_accounts(c, scene(), s)) == LEADS_AT_ONCE:
            pass
    made = 0
    waiting = await transact(lambda c: _shards(c, WAITING_ACCOUNTS, scene().watermark_ms))
    for shard in waiting:
        while done := await transact(lambda c, s=shard: make_accounts(c, scene(), s)):
            made += done
    return made


async def _shards(connection: Any, query: str, *arguments: Any) -> list[int]:
    return [row[0] for row in await connection.fetch(query, *arguments)]


async def find_accounts(connection: Any, scene: Scene, shard: int) -> int:
    """Find the accounts of dirty leads, inside the caller's transaction. Returns how many rows were
    taken; 0 when somebody else owns the shard.
    """
    rules = scene.accounts
    if rules is None or not await connection.fetchval(OWN, LEAD_LOCK, shard):
        return 0
    taken = [row[0] for row in await connection.fetch(TAKE_LEADS, shard, LEADS_AT_ONCE)]
    if not taken:
        return 0
    dirty: set[str] = set()
    joined: list[tuple[Any, str]] = []
    parted: list[Any] = []
    for row in await connection.fetch(LEADS, list(set(taken)), EMAIL):
        now = None
        if row["merged_into"] is None:
            now = account_of(rules, decode_scores(row["scores"]).traits, row["emails"])
        before = row["account"]
        dirty |= {key for key in (before, now) if key is not None}
        if now is None and before is not None:
            parted.append(row["id"])
        elif now is not None and now != before:
            joined.append((row["id"], now))
    if parted:
        await connection.execute(PART, parted)
    if joined:
        await connection.execute(JOIN, [lead for lead, _ in joined], [key for _, key in joined])
    keys = sorted(dirty)
    if keys:
        await connection.execute(NOTE_ACCOUNTS, [shard_of_account(key) for key in keys], keys)
    return len(taken)


async def make_accounts(connection: Any, scene: Scene, shard: int) -> int:
    """Make dirty and due accounts anew, inside the caller's transaction. Returns how many; 0 when
    none is left, or somebody else owns the shard.
    """
    rules = scene.accounts
    if rules is None or not await connection.fetchval(OWN, ACCOUNT_LOCK, shard):
        return 0
    taken = {row[0] for row in await connection.fetch(TAKE_ACCOUNTS, shard, ACCOUNTS_AT_ONCE)}
    due = await connection.fetch(DUE_ACCOUNTS, shard, scene.watermark_ms, ACCOUNTS_AT_ONCE)
    taken |= {row[0] for row in due}
    for key in sorted(taken):
        await _make(connection, scene, rules, key)
    return len(taken)


async def _make(connection: Any, scene: Scene, rules: AccountRules, key: str) -> None:
    at_ms, members = scene.watermark_ms, []
    async for row in connection.cursor(MEMBERS, key, prefetch=MEMBERS_AT_ONCE):
        state = decode_scores(row[0])
        members.append(state)
        at_ms = max(at_ms, scored_until_ms(state), state.last[0] if state.last else 0)
    if not members:
        await connection.execute(DROP, key)
        return
    shown = [
        {name: score_at(scene.ruleset, state, name, at_ms) for name in rules.top}
        for state in members
    ]
    scores = account_scores(rules, shown)
    stored = await connection.fetchrow(STORED, key)
    before, since_ms = (stored[0], stored[1]) if stored else ("", at_ms)
    stage = account_stage(rules, before, scores)
    version, written = scene.ruleset.version, json.dumps(scores)
    if stage != before:
        since_ms = at_ms
        await connection.execute(NOTE_MOVE, key, at_ms, before, stage, written, version)
    due_ms = at_ms + RECHECK_MS if any(state.models for state in members) else None
    await connection.execute(
        SAVE, key, shard_of_account(key), len(members), written, at_ms, stage, since_ms, version,
        due_ms,
    )  # fmt: skip

"""Every statement about companies outside the batches, named and described. All take sets."""

from __future__ import annotations

# Own a shard until the end of the transaction: no row is false for whoever comes second. An owner
# that falls silent in the middle (a machine that is gone, not a connection that ends) loses its
# transaction, and with it the shard.
OWN = """
SELECT pg_try_advisory_xact_lock($1, $2) AS ours,
       set_config('idle_in_transaction_session_timeout', $3, true)
"""

# How many notes of leads wait in each shard.
WAITING_LEADS = "SELECT shard, count(*) FROM account_dirty_lead GROUP BY shard"

# Shards with notes, with accounts that time moves, with accounts that have rested.
WAITING_ACCOUNTS = """
SELECT DISTINCT shard FROM account_dirty
UNION SELECT shard FROM account WHERE due_ms <= $1
UNION SELECT shard FROM account WHERE dirty AND rests_until <= now()
"""

# ANY(ARRAY()): the planner knows such queues as empty, and would compare each row with each.
TAKE_LEADS = """
DELETE FROM account_dirty_lead WHERE shard = $1 AND id = ANY(ARRAY(
    SELECT id FROM account_dirty_lead WHERE shard = $1 ORDER BY id LIMIT $2
)) RETURNING lead_id
"""

# What tells dirty leads' accounts. Not one join: each is found by its key whatever the planner
# believes.
LEADS = """
SELECT id, ruleset_version, scores FROM lead WHERE id = ANY($1::uuid[]) AND merged_into IS NULL
"""

EMAILS = "SELECT lead_id, value FROM identifier WHERE lead_id = ANY($1::uuid[]) AND kind = $2"

ACCOUNTS_BEFORE = "SELECT lead_id, account FROM account_member WHERE lead_id = ANY($1::uuid[])"

JOIN = """
INSERT INTO account_member (lead_id, account) SELECT * FROM unnest($1::uuid[], $2::text[])
ON CONFLICT (lead_id) DO UPDATE SET account = excluded.account
"""

PART = "DELETE FROM account_member WHERE lead_id = ANY($1::uuid[])"

NOTE_ACCOUNTS = """
INSERT INTO account_dirty (shard, account) SELECT * FROM unnest($1::int[], $2::text[])
"""

# The oldest notes, and all others of the same accounts.
TAKE_ACCOUNTS = """
DELETE FROM account_dirty WHERE shard = $1 AND account = ANY(ARRAY(
    SELECT account FROM account_dirty WHERE shard = $1 ORDER BY id LIMIT $2
)) RETURNING account
"""

DUE_ACCOUNTS = """
(SELECT key FROM account WHERE shard = $1 AND due_ms <= $2 ORDER BY due_ms LIMIT $3)
UNION
(SELECT key FROM account WHERE shard = $1 AND dirty AND rests_until <= now()
  ORDER BY rests_until LIMIT $3)
"""

STORED = """
SELECT key, members, stage, stage_since_ms, ruleset_version, waits, rests_until > now() AS rests
  FROM account WHERE key = ANY($1::text[])
"""

# Accounts with news that still rest from the last time: made when they have rested.
LET_REST = "UPDATE account SET dirty = true WHERE key = ANY($1::text[])"

MEMBERS = """
SELECT m.account, l.id, l.known, l.ruleset_version, l.scores
  FROM account_member m JOIN lead l ON l.id = m.lead_id
 WHERE m.account = ANY($1::text[]) AND l.merged_into IS NULL
"""

# rests_until: a large account is not made again and again without a pause.
SAVE = """
INSERT INTO account (key, shard, members, scores, at_ms, stage, stage_since_ms, ruleset_version,
                     due_ms, rests_until)
SELECT key, shard, members, scores, at_ms, stage, since_ms, $1, due_ms,
       clock_timestamp() + members * $2::interval
  FROM unnest($3::text[], $4::int[], $5::int[], $6::jsonb[], $7::bigint[], $8::text[],
              $9::bigint[], $10::bigint[])
    AS made(key, shard, members, scores, at_ms, stage, since_ms, due_ms)
ON CONFLICT (key) DO UPDATE
   SET members = excluded.members, scores = excluded.scores, at_ms = excluded.at_ms,
       stage = excluded.stage, stage_since_ms = excluded.stage_since_ms,
       ruleset_version = excluded.ruleset_version, due_ms = excluded.due_ms,
       rests_until = excluded.rests_until, dirty = false
"""

# Not due before all members are scored under the ruleset: each that is makes the account dirty.
PUT_OFF = "UPDATE account SET due_ms = NULL, dirty = false WHERE key = ANY($1::text[])"

DROP = "DELETE FROM account WHERE key = ANY($1::text[])"

MOVE_COLUMNS = ("account", "at_ms", "from_stage", "to_stage", "scores", "ruleset_version")

# How often each has changed its stage.
CHANGES = """
SELECT account, count(*) FROM account_stage_history WHERE account = ANY($1::text[]) GROUP BY 1
"""

# Null where companies have moved under an older version.
RULES_SINCE = """
SELECT (extract(epoch FROM published_at) * 1000)::bigint FROM ruleset_version WHERE version = $1
   AND NOT EXISTS (SELECT FROM (SELECT ruleset_version FROM account_stage_history
                                 ORDER BY id LIMIT 1) AS first WHERE first.ruleset_version < $1)
"""

WAIT = """
UPDATE account AS a SET waits = w.waits FROM unnest($1::text[], $2::int[]) AS w (key, waits)
 WHERE a.key = w.key
"""

# Facts for the router. Of a person who was erased meanwhile nothing is told.
TELL = """
INSERT INTO outbox (shard, lead_id, fact)
SELECT w.shard, w.lead_id, w.fact
  FROM unnest($1::smallint[], $2::uuid[], $3::jsonb[]) AS w (shard, lead_id, fact)
  JOIN lead AS l ON l.id = w.lead_id
"""

# A ruleset without accounts: what is left of them. Their history stays.
FORGET = """
WITH notes AS (DELETE FROM account_dirty_lead), more AS (DELETE FROM account_dirty),
     members AS (DELETE FROM account_member)
DELETE FROM account
"""

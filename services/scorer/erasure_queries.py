"""Every statement about erased people, named and described."""

from __future__ import annotations

TOMBSTONES = "SELECT hash, erased_ms, shared FROM erased_identifier WHERE hash = ANY($1::bytea[])"

ERASED_EVENTS = "SELECT key FROM erased_event WHERE key = ANY($1::uuid[])"

# Wait until every batch in flight has ended, and have the next ones wait: each changes its row.
# Taken before any row is locked, so that nobody waits in a ring; given up after a while, so that
# one slow batch doesn't hold up all the others.
HOLD_BATCHES = """
SET LOCAL lock_timeout = '5s';
LOCK TABLE consumer_partition IN SHARE ROW EXCLUSIVE MODE;
"""

MARK_PARTITIONS = "UPDATE consumer_partition SET erased_ms = greatest(erased_ms, $1)"

BEGUN = "SELECT true FROM erasure WHERE id = $1"

# No row: this order was begun before.
BEGIN = """
INSERT INTO erasure (id, requested_at, actor, reason, person, lead_ids)
VALUES ($1, to_timestamp($2::bigint / 1000.0), $3, $4, $5, $6) ON CONFLICT DO NOTHING
RETURNING id
"""

HOW_MANY = "SELECT count(*) FROM lead WHERE id = ANY($1::uuid[])"

IDENTIFIERS_SINCE = "SELECT kind, value, lead_id FROM identifier WHERE lead_id >= $1"

IDENTIFIERS = "SELECT kind, value FROM identifier WHERE lead_id = ANY($1::uuid[])"

# Anonymous ids of these that others have used, too.
SHARED = """
SELECT value, lead_id FROM identifier
 WHERE kind = 5 AND value = ANY($1::text[]) AND lead_id <> ALL($2::uuid[])
"""

# Leads of others whose events may name the person: by now, some may be part of others.
MENTIONING_LEADS = """
WITH RECURSIVE others(id) AS (
    (SELECT m.lead_id
       FROM unnest($1::smallint[], $2::text[]) AS names(kind, value)
       JOIN identifier_mention m ON m.kind = names.kind AND m.value = names.value
      UNION
     SELECT survivor FROM lead_merge WHERE absorbed = ANY($3::uuid[])
      UNION
     SELECT absorbed FROM lead_merge WHERE survivor = ANY($3::uuid[]))
     UNION
    SELECT l.merged_into FROM others JOIN lead l ON l.id = others.id
     WHERE l.merged_into IS NOT NULL)
SELECT id FROM others WHERE id <> ALL($3::uuid[])
"""

LOCK = "SELECT id, scores FROM lead WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"

STRONGEST = """
SELECT DISTINCT ON (lead_id) lead_id, kind, value FROM identifier
 WHERE lead_id = ANY($1::uuid[]) ORDER BY lead_id, kind, value
"""

BURY = """
INSERT INTO erased_identifier (hash, erased_ms, erasure_id, shared)
SELECT hash, $3, $4, shared FROM unnest($1::bytea[], $2::bool[]) AS stone(hash, shared)
ON CONFLICT (hash) DO UPDATE
   SET erased_ms = greatest(erased_identifier.erased_ms, excluded.erased_ms),
       erasure_id = excluded.erasure_id, shared = erased_identifier.shared AND excluded.shared
"""

# What a person leaves: by the name of the place in the proof. $1: the leads. In this order: the
# router marks a fact and queues its webhooks in one transaction, so facts go first.
PLACES = {
    "outbox": "DELETE FROM outbox WHERE lead_id = ANY($1::uuid[])",
    "delivery_attempts": """
DELETE FROM delivery_attempt WHERE delivery_id IN (
    SELECT id FROM delivery WHERE destination_id IN (SELECT id FROM destination)
       AND lead_id = ANY($1::uuid[]))
""",
    "deliveries": """
DELETE FROM delivery WHERE destination_id IN (SELECT id FROM destination)
   AND lead_id = ANY($1::uuid[])
""",
    "identifiers": "DELETE FROM identifier WHERE lead_id = ANY($1::uuid[])",
    "mentions": "DELETE FROM identifier_mention WHERE lead_id = ANY($1::uuid[])",
    "stage_history": "DELETE FROM stage_history WHERE lead_id = ANY($1::uuid[])",
    "merges": """
DELETE FROM lead_merge WHERE absorbed = ANY($1::uuid[]) OR survivor = ANY($1::uuid[])
""",
    "duplicates": """
DELETE FROM duplicate_pair WHERE lead_a = ANY($1::uuid[]) OR lead_b = ANY($1::uuid[])
""",
    "carries": "DELETE FROM carry WHERE lead_id = ANY($1::uuid[])",
    "handoffs": "DELETE FROM handoff WHERE lead_id = ANY($1::uuid[])",
    "handoff_acts": "DELETE FROM handoff_act WHERE lead_id = ANY($1::uuid[])",
    "sequences": "DELETE FROM sequence_enrolment WHERE lead_id = ANY($1::uuid[])",
    "sequence_steps": "DELETE FROM sequence_step WHERE lead_id = ANY($1::uuid[])",
    "tags": "DELETE FROM lead_tag WHERE lead_id = ANY($1::uuid[])",
    "owners": "DELETE FROM lead_owner WHERE lead_id = ANY($1::uuid[])",
    "account_notes": "DELETE FROM account_dirty_lead WHERE lead_id = ANY($1::uuid[])",
    "leads": "DELETE FROM lead WHERE id = ANY($1::uuid[])",
}

# Of what may be much, some at a time.
PIECES = {
    "events": """
WITH gone AS (
    DELETE FROM event WHERE key = ANY(ARRAY(
        SELECT key FROM event WHERE lead_id = ANY($1::uuid[]) LIMIT $2)) RETURNING key),
  kept AS (INSERT INTO erased_event SELECT key, $3 FROM gone ON CONFLICT DO NOTHING)
SELECT count(*) FROM gone
""",
    "time_entries": """
WITH gone AS (
    DELETE FROM time_entry WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM time_entry WHERE lead_id = ANY($1::uuid[]) LIMIT $2))
    RETURNING $3::bigint)
SELECT count(*) FROM gone
""",
    "checkpoints": """
WITH gone AS (
    DELETE FROM checkpoint WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM checkpoint WHERE lead_id = ANY($1::uuid[]) LIMIT $2))
    RETURNING $3::bigint)
SELECT count(*) FROM gone
""",
}

# An anonymous id without its first run: the next person's begins with it, as if they had been
# the first to identify.
FIRST_RUNS = """
UPDATE identifier i SET since_ms = 0, claimed_ms = i.since_ms
  FROM (SELECT value, min(since_ms) AS since_ms FROM identifier
         WHERE kind = 5 AND value = ANY($1::text[]) GROUP BY value) AS first
 WHERE i.kind = 5 AND i.value = first.value AND i.since_ms = first.since_ms AND first.since_ms > 0
"""

# Whoever has read these leads' identifiers reads them again.
BUMP = "UPDATE lead SET identity_version = identity_version + 1 WHERE id = ANY($1::uuid[])"

UNMENTION = """
DELETE FROM identifier_mention m USING unnest($1::smallint[], $2::text[]) AS names(kind, value)
 WHERE m.kind = names.kind AND m.value = names.value
"""

# Operators' words of whom nobody is left on one side.
PARTINGS = "DELETE FROM parting WHERE these <@ $1::bytea[] OR those <@ $1::bytea[]"

LEAVE_ACCOUNTS = "DELETE FROM account_member WHERE lead_id = ANY($1::uuid[]) RETURNING account"

# Companies without anybody: their name may be that of a person.
EMPTY_ACCOUNTS = """
WITH empty AS (
    SELECT key FROM unnest($1::text[]) AS key
     WHERE NOT EXISTS (SELECT FROM account_member WHERE account = key)),
  gone AS (DELETE FROM account WHERE key IN (SELECT key FROM empty))
DELETE FROM account_stage_history WHERE account IN (SELECT key FROM empty)
"""

EVENTS_OF = "SELECT key, lead_id, body FROM event WHERE lead_id = ANY($1::uuid[])"

REWRITE_BODIES = """
UPDATE event SET body = new.body FROM unnest($1::uuid[], $2::bytea[]) AS new(key, body)
 WHERE event.key = new.key
"""

REWRITE_SCORES = "UPDATE lead SET scores = $2 WHERE id = $1"

CHECKPOINTS_OF = "SELECT ctid, scores FROM checkpoint WHERE lead_id = $1"

REWRITE_CHECKPOINT = "UPDATE checkpoint SET scores = $2 WHERE ctid = $1"

CARRY_OF = "SELECT lead_id, scores FROM carry WHERE lead_id = $1"

REWRITE_CARRY = "UPDATE carry SET scores = $2 WHERE lead_id = $1"

NOTE = """
UPDATE erasure SET lead_ids = $2, counts = counts || $3::jsonb WHERE id = $1
"""

UNDER_WAY = "SELECT lead_ids FROM erasure WHERE id = $1 AND erased_at IS NULL"

COUNT = """
UPDATE erasure
   SET counts = counts || jsonb_build_object(
       $2::text, coalesce((counts ->> $2)::bigint, 0) + $3::bigint)
 WHERE id = $1
"""

END = "UPDATE erasure SET erased_at = now() WHERE id = $1 AND erased_at IS NULL RETURNING id"

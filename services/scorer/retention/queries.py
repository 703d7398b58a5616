"""Every statement of retention, named and described. All take sets, and look at so much at most."""

from __future__ import annotations

# Own a class of data until the end of the transaction.
OWN = "SELECT pg_try_advisory_xact_lock(1634956405, $1)"

PROGRESS = """
SELECT class, until_ms, since_ms, position, looked, done, begun_at, seen_at, ended_at,
       extract(epoch FROM now() - begun_at)::float AS begun_seconds
  FROM retention ORDER BY class
"""
ONE_PROGRESS = PROGRESS.replace(" ORDER BY class", " WHERE class = $1")

# A new sweep: its horizon stands before anything goes.
BEGIN = """
INSERT INTO retention (class, until_ms, since_ms, begun_at, seen_at)
VALUES ($1, $2, $3, now(), now())
ON CONFLICT (class) DO UPDATE
   SET until_ms = excluded.until_ms, since_ms = excluded.since_ms, position = '', looked = 0,
       begun_at = now(), seen_at = now(), ended_at = NULL
"""

NOTE = """
UPDATE retention
   SET position = $2, looked = looked + $3, done = done + $4, seen_at = now(),
       ended_at = CASE WHEN $5 THEN now() END
 WHERE class = $1
"""

# The next leads in order of id, and how many events each has in a time (so many at most).
LEADS_WITH_EVENTS = """
SELECT l.id, (SELECT count(*) FROM (
                SELECT FROM event e WHERE e.lead_id = l.id AND e.occurred_ms > $2
                   AND e.occurred_ms <= $3 LIMIT $5) AS found) AS events
  FROM (SELECT id FROM lead WHERE id > $1 ORDER BY id LIMIT $4) AS l
 ORDER BY l.id
"""

EVENTS_OF = """
SELECT key, lead_id, body FROM event
 WHERE lead_id = ANY($1::uuid[]) AND occurred_ms > $2 AND occurred_ms <= $3
"""

ORIGINS = """
SELECT lead_id, kind, value, since_ms, coalesce(origin, lead_id) AS origin FROM identifier
 WHERE lead_id = ANY($1::uuid[]) ORDER BY since_ms
"""

# What a carry stands for, of leads: events up to an instant; what time brought up to the newest of
# these; checkpoints up to there.
DROP_EVENTS = "DELETE FROM event WHERE lead_id = ANY($1::uuid[]) AND occurred_ms <= $2"
DROP_TIME_ENTRIES = """
DELETE FROM time_entry t USING unnest($1::uuid[], $2::bigint[]) AS old(lead_id, until_ms)
 WHERE t.lead_id = old.lead_id AND t.at_ms <= old.until_ms
"""
DROP_CHECKPOINTS = "DELETE FROM checkpoint WHERE lead_id = ANY($1::uuid[]) AND last_ms <= $2"

SAVE_SCORES = """
UPDATE lead l SET scores = new.scores FROM unnest($1::uuid[], $2::bytea[]) AS new(id, scores)
 WHERE l.id = new.id
"""

# Events of robots: those that still are these leads'.
DROP_BOTS = """
DELETE FROM event WHERE key = ANY($1::uuid[]) AND lead_id = ANY($2::uuid[])
RETURNING key, lead_id, occurred_ms
"""
NEWEST_EVENTS = """
SELECT e.lead_id, e.body
  FROM unnest($1::uuid[]) AS wanted(lead_id)
 CROSS JOIN LATERAL (
    SELECT max(occurred_ms) AS at_ms FROM event WHERE lead_id = wanted.lead_id) AS newest
  JOIN event e ON e.lead_id = wanted.lead_id AND e.occurred_ms = newest.at_ms
"""

# Leads without a name that nothing has happened to since an instant, and that nobody was told of.
# (Those made of several, or on a kiosk, stay.)
STALE_VISITORS = """
SELECT l.id, NOT l.known AND l.merged_into IS NULL AND l.created_ms <= $2
       AND NOT EXISTS (SELECT FROM event e WHERE e.lead_id = l.id AND e.occurred_ms > $2)
       AND NOT EXISTS (SELECT FROM lead m WHERE m.merged_into = l.id)
       AND NOT EXISTS (SELECT FROM identifier i WHERE i.lead_id = l.id
                          AND (i.kind <> 5 OR i.claimed_ms IS NOT NULL OR i.marks <> 0))
       AND NOT EXISTS (SELECT FROM delivery d WHERE d.status = 'waiting' AND d.lead_id = l.id)
       AS is_stale
  FROM (SELECT id, known, merged_into, created_ms FROM lead WHERE id > $1 ORDER BY id LIMIT $3) AS l
 ORDER BY l.id
"""
TO_BE_TOLD = """
SELECT lead_id FROM outbox WHERE published_at IS NULL AND lead_id = ANY($1::uuid[])
"""
# All that is kept of leads, by table.
DROP_LEADS = {
    table: f"DELETE FROM {table} WHERE {column} = ANY($1::uuid[])"  # noqa: S608 - names of ours
    for table, column in (
        ("event", "lead_id"),
        ("time_entry", "lead_id"),
        ("checkpoint", "lead_id"),
        ("carry", "lead_id"),
        ("stage_history", "lead_id"),
        ("identifier_mention", "lead_id"),
        ("duplicate_pair", "lead_a"),
        ("duplicate_pair ", "lead_b"),
        ("lead_merge", "absorbed"),
        ("lead_merge ", "survivor"),
        ("identifier", "lead_id"),
        ("lead", "id"),
    )
}

# The next rows of a log in order of their keys, and whether each is done with and old enough.
DELIVERIES = """
SELECT id, ended_at IS NOT NULL AND ended_at <= to_timestamp($2 / 1000.0) AS is_old
  FROM delivery WHERE id > $1 ORDER BY id LIMIT $3
"""
DROP_DELIVERIES = "DELETE FROM delivery WHERE id = ANY($1::bigint[])"
FACTS = """
SELECT shard, id, published_at IS NOT NULL AND published_at <= to_timestamp($3 / 1000.0) AS is_old
  FROM outbox WHERE (shard, id) > ($1, $2) ORDER BY shard, id LIMIT $4
"""
DROP_FACTS = """
DELETE FROM outbox o USING unnest($1::smallint[], $2::bigint[]) AS old(shard, id)
 WHERE o.shard = old.shard AND o.id = old.id
"""

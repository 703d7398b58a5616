"""Every statement of the audit, named and described."""

from __future__ import annotations

# Where a chunk of so many leads after one ends.
CHUNK_ENDS = """
SELECT id FROM (
    SELECT id FROM lead WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3) AS chunk
 ORDER BY id DESC LIMIT 1
"""

LEADS_BETWEEN = """
SELECT id, ruleset_version, stage, stage_since_ms, scores, journeys
  FROM lead WHERE id > $1 AND id <= $2 ORDER BY id
"""
ONE_LEAD = """
SELECT id, ruleset_version, stage, stage_since_ms, scores, journeys FROM lead WHERE id = $1
"""

# All that is kept of some leads.
EVENTS = "SELECT lead_id, body, entries FROM event WHERE lead_id = ANY($1::uuid[])"
TIME_ENTRIES = """
SELECT lead_id, at_ms, entries FROM time_entry WHERE lead_id = ANY($1::uuid[])
 ORDER BY lead_id, at_ms
"""
MOVES = """
SELECT lead_id, seq, journey, from_stage, to_stage FROM stage_history
 WHERE lead_id = ANY($1::uuid[]) ORDER BY lead_id, seq
"""

# A new run, over the leads there are by now. No row while no ruleset is live.
BEGIN_RUN = """
INSERT INTO audit_run (ruleset_version, last_lead, leads)
SELECT live.version, (SELECT id FROM lead ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM lead)
  FROM ruleset_live live
RETURNING id, position, last_lead, leads, checked, differing, repaired
"""

UNFINISHED_RUN = """
SELECT id, position, last_lead, leads, checked, differing, repaired
  FROM audit_run WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1
"""

# Only one process at a time works at a run: the lock goes with the connection.
HOLD_RUN = "SELECT pg_try_advisory_lock(1634956404, $1)"

NOTE_RUN = """
UPDATE audit_run
   SET position = $2, checked = $3, differing = $4, repaired = $5, seen_at = now(),
       ended_at = CASE WHEN $6 THEN now() END
 WHERE id = $1
"""

# The result that counts: of the newest run that went to its end.
LAST_RESULT = """
SELECT checked, differing - repaired AS differing, extract(epoch FROM ended_at)::float AS ended
  FROM audit_run WHERE ended_at IS NOT NULL ORDER BY id DESC LIMIT 1
"""

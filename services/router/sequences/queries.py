"""Every statement of the sequences' clock, named and described. All take sets."""

from __future__ import annotations

from shared.merged_leads import FAMILY

OWN = "SELECT pg_try_advisory_xact_lock(0x73657175, 0)"

# What is due, with what is known of its lead; sequences that rest are left out.
DUE = """
SELECT e.id, e.lead_id, e.sequence, e.version, e.arm, e.entered_ms, e.started_ms, e.next_step,
       e.planned_ms, l.scores, l.journeys, l.stage, l.ruleset_version AS lead_version, l.known,
       l.merged_into
FROM sequence_enrolment AS e JOIN lead AS l ON l.id = e.lead_id
WHERE e.due_ms <= $1 AND e.status IN ('entered', 'running')
  AND NOT EXISTS (SELECT FROM sequence_pause AS p WHERE p.sequence = e.sequence)
ORDER BY e.due_ms, e.id LIMIT $2 FOR UPDATE OF e
"""
IDENTIFIERS = """
SELECT DISTINCT lead_id::text AS lead_id, kind, value FROM identifier
WHERE lead_id = ANY ($1::uuid[]) ORDER BY 1, 2, 3
"""
# What was sent to a person, and what it has been on before, was so under any of its ids.
SENT = (
    FAMILY
    + """
SELECT f.lead_id::text AS lead_id, s.at_ms FROM family AS f
JOIN sequence_step AS s ON s.lead_id = f.id
WHERE s.sent AND s.at_ms > $2
"""
)
ENDED = (
    FAMILY
    + """
SELECT f.lead_id::text AS lead_id, e.sequence, max(e.ended_ms) AS at_ms FROM family AS f
JOIN sequence_enrolment AS e ON e.lead_id = f.id
WHERE e.status = 'ended' AND e.started_ms IS NOT NULL GROUP BY 1, 2
"""
)
# The newest: what ends a sequence, or holds of its lead, lies there.
EVENTS = "SELECT body FROM event WHERE lead_id = $1 ORDER BY occurred_ms DESC LIMIT 10000"
NEWEST = """
SELECT body FROM event WHERE lead_id = $1 ORDER BY occurred_ms DESC LIMIT $2
"""

ADD_STEPS = """
INSERT INTO sequence_step
    (enrolment_id, step, lead_id, sequence, step_id, at_ms, sent, why, content)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::bigint[],
                     $7::bool[], $8::text[], $9::text[])
"""
TELL = """
INSERT INTO outbox (shard, lead_id, fact)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::jsonb[])
"""
CHANGE = """
UPDATE sequence_enrolment AS e
SET status = c.status, arm = c.arm, started_ms = c.started_ms, next_step = c.next_step,
    planned_ms = c.planned_ms, due_ms = c.due_ms, ended_ms = c.ended_ms, why = c.why
FROM jsonb_to_recordset($1::jsonb) AS c (
    id uuid, status text, arm text, started_ms bigint, next_step int, planned_ms bigint,
    due_ms bigint, ended_ms bigint, why text)
WHERE e.id = c.id
"""
# None when the lead that lives on is on the sequence, too.
MOVE = """
UPDATE sequence_enrolment AS e SET lead_id = $2 WHERE e.id = $1 AND NOT EXISTS (
    SELECT FROM sequence_enrolment AS o
    WHERE o.lead_id = $2 AND o.sequence = e.sequence AND o.status <> 'ended')
RETURNING e.id
"""
MOVE_STEPS = "UPDATE sequence_step SET lead_id = $2 WHERE enrolment_id = $1"
END = """
UPDATE sequence_enrolment SET status = 'ended', ended_ms = $2, due_ms = NULL, why = $3
WHERE id = $1
"""

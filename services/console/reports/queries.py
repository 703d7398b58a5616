"""The statements of the reports: each one set-based, over a window of days."""

from __future__ import annotations

import sqlalchemy as sa

_COUNTS = """
       count(*) AS handoffs,
       count(*) FILTER (WHERE h.accepted_ms IS NOT NULL OR h.status IN ('accepted', 'won', 'lost'))
         AS accepted,
       count(*) FILTER (WHERE h.status IN ('accepted', 'rejected', 'recycled', 'won', 'lost')
                           OR h.accepted_ms IS NOT NULL) AS answered,
       count(*) FILTER (WHERE h.status = 'won') AS won,
       count(*) FILTER (WHERE h.status IN ('won', 'lost', 'rejected', 'recycled')) AS ended,
       jsonb_agg(jsonb_build_array(h.currency, h.amount))
         FILTER (WHERE h.status = 'won' AND h.amount IS NOT NULL)::text AS amounts
"""
_SENT = """
h.kind = 'sales' AND h.handed_ms >= :since
   AND h.status NOT IN ('waiting', 'withheld', 'suppressed', 'dropped')
"""
ALL = sa.text(f"SELECT {_COUNTS} FROM handoff AS h WHERE {_SENT}")  # noqa: S608 - constants
BY = {
    "rules": sa.text(f"""
SELECT r.name, {_COUNTS} FROM handoff AS h CROSS JOIN LATERAL unnest(h.rules) AS r (name)
WHERE {_SENT} GROUP BY r.name ORDER BY count(*) DESC, r.name LIMIT 1000
"""),  # noqa: S608 - constants of this file
    "bands": sa.text(f"""
SELECT b.model || ': ' || b.band AS name, {_COUNTS}
FROM handoff AS h CROSS JOIN LATERAL jsonb_each_text(h.bands) AS b (model, band)
WHERE {_SENT} GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1000
"""),  # noqa: S608 - constants of this file
    "sources": sa.text(f"""
SELECT h.source AS name, {_COUNTS} FROM handoff AS h
WHERE {_SENT} GROUP BY h.source ORDER BY count(*) DESC, h.source LIMIT 1000
"""),  # noqa: S608 - constants of this file
}

# Steps that went out, in order; leads that got them; and what they said at an instant.
STEPS = sa.text("""
SELECT lead_id, sequence, step_id, at_ms FROM sequence_step
WHERE sent AND at_ms >= :since ORDER BY lead_id, at_ms LIMIT :most
""")
STATES = sa.text("SELECT id, scores FROM lead WHERE id = ANY(:ids)")
SAID = sa.text("""
SELECT e.lead_id, e.body
FROM unnest(CAST(:ids AS uuid[]), CAST(:instants AS bigint[])) AS w (lead_id, at_ms)
JOIN event AS e ON e.lead_id = w.lead_id AND e.occurred_ms = w.at_ms
""")

"""Whether a salesperson is at work on a lead: automation leaves it alone then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from shared.handoff_states import ACTIVE
from shared.merged_leads import FAMILY

WORKED_ON = (
    FAMILY
    + """
SELECT DISTINCT f.lead_id::text AS lead_id FROM family AS f
JOIN handoff AS h ON h.lead_id = f.id
WHERE h.kind = 'sales' AND h.status = ANY ($2::text[])
"""
)


async def sales_active(connection: Any, lead_ids: Iterable[str]) -> set[str]:
    """Those of these leads that have a hand-off to sales which is open, accepted or put off, under
    whichever of the person's ids.
    """
    asked: Sequence[str] = list(lead_ids)
    if not asked:
        return set()
    return {row["lead_id"] for row in await connection.fetch(WORKED_ON, asked, list(ACTIVE))}

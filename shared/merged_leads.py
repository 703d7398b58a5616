"""Whose part a lead is by now. A merge empties the absorbed lead, but what was told of it and done
with it under its own id concerns the same person still.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

# The lead that lives on, by way of which merges whatsoever; a lead that isn't stored has no row.
SURVIVORS = """
WITH RECURSIVE way (lead_id, id, next) AS (
    SELECT l.id, l.id, l.merged_into FROM lead AS l WHERE l.id = ANY ($1::uuid[])
    UNION
    SELECT way.lead_id, l.id, l.merged_into FROM way JOIN lead AS l ON l.id = way.next)
SELECT lead_id::text AS lead_id, id::text AS id FROM way WHERE next IS NULL
"""
# To begin a statement with: of each lead of $1 all ids of the person, its own among them.
FAMILY = """
WITH RECURSIVE family (lead_id, id) AS (
    SELECT asked, asked FROM unnest($1::uuid[]) AS asked
    UNION
    SELECT f.lead_id, other.id FROM family AS f CROSS JOIN LATERAL (
        SELECT merged_into AS id FROM lead WHERE id = f.id AND merged_into IS NOT NULL
        UNION ALL
        SELECT id FROM lead WHERE merged_into = f.id) AS other)
"""


async def survivors_of(connection: Any, lead_ids: Iterable[str]) -> dict[str, str]:
    """By lead id. connection: of the driver."""
    rows = await connection.fetch(SURVIVORS, list(lead_ids))
    return {row["lead_id"]: row["id"] for row in rows}

"""What the console asks about merges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.identity import Identifier
from shared.tables import identifier, lead_merge

MOST_SIDE = 10_000

# A lead and those that were merged into it, at any remove, unless that was taken back.
_PARTS = sa.text("""
WITH RECURSIVE part(id) AS (
    SELECT CAST(:lead_id AS uuid)
     UNION
    SELECT m.absorbed FROM part JOIN lead_merge m ON m.survivor = part.id
     WHERE m.undone_ms IS NULL)
SELECT id FROM part
""")

_SURVIVOR = sa.text("""
WITH RECURSIVE chain(id, merged_into) AS (
    SELECT id, merged_into FROM lead WHERE id = :lead_id
     UNION
    SELECT l.id, l.merged_into FROM chain JOIN lead l ON l.id = chain.merged_into)
SELECT id FROM chain WHERE merged_into IS NULL
""")


async def survivor_of(connection: AsyncConnection, lead_id: UUID) -> UUID | None:
    """The lead that a lead is part of by now; itself, if it stands. None: there is no such lead."""
    found: UUID | None = await connection.scalar(_SURVIVOR, {"lead_id": lead_id})
    return found


async def sides_of(
    connection: AsyncConnection, absorbed: UUID, survivor: UUID
) -> tuple[list[Identifier], list[Identifier]]:
    """What of a survivor's identifiers an absorbed lead brought, and what it didn't."""
    parts = set((await connection.scalars(_PARTS, {"lead_id": absorbed})).all())
    origin = sa.func.coalesce(identifier.c.origin, identifier.c.lead_id)
    rows = await connection.execute(
        sa.select(identifier.c.kind, identifier.c.value, origin)
        .where(identifier.c.lead_id == survivor)
        .distinct()
        .limit(MOST_SIDE)
    )
    these: list[Identifier] = []
    those: list[Identifier] = []
    for kind, value, from_ in rows:
        (these if from_ in parts else those).append((kind, value))
    return these, [one for one in those if one not in set(these)]


async def merges_of(connection: AsyncConnection, lead_id: UUID) -> Sequence[sa.Row[Any]]:
    """Merges that a lead took part in, newest first."""
    result = await connection.execute(
        sa.select(lead_merge)
        .where(sa.or_(lead_merge.c.survivor == lead_id, lead_merge.c.absorbed == lead_id))
        .order_by(lead_merge.c.id.desc())
        .limit(500)
    )
    return result.all()

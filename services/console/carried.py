"""What is left of events that retention has deleted, read for explanations."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.explanation import CarriedForward
from shared.lead_state import decode_scores
from shared.tables import carry, lead


async def carried_forward(connection: AsyncConnection, lead_id: UUID) -> list[CarriedForward]:
    """What is left of deleted events, of a lead and of all that were merged into it."""
    part = sa.select(lead.c.id).where(lead.c.id == lead_id).cte("part", recursive=True)
    part = part.union(sa.select(lead.c.id).where(lead.c.merged_into == part.c.id))
    result = await connection.execute(
        sa.select(
            carry.c.lead_id, carry.c.events, carry.c.until_ms, carry.c.ruleset_version,
            carry.c.points, carry.c.scores,
        ).where(carry.c.lead_id.in_(sa.select(part.c.id))).order_by(carry.c.lead_id)
    )  # fmt: skip
    return [
        CarriedForward(original, events, until_ms, version, points, decode_scores(scores))
        for original, events, until_ms, version, points, scores in result
    ]

"""What operators order of one lead, on its way to the scorer: for whom, and did it get there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.console import queries
from services.console.event_sender import ACK_SECONDS
from services.console.lead_view import LeadRow
from services.console.reading import existing_lead
from services.console.refusals import RETRY_AFTER_SECONDS, RefusedError
from services.console.stage_orders import who_of
from shared.envelope import Event, Identifiers
from shared.errors import TryAgainError

Send = Callable[[Event], Awaitable[None]]


async def standing_lead(
    connection: AsyncConnection, lead_id: UUID, path: str = "path.lead_id"
) -> LeadRow:
    """A lead that isn't part of another. Raises RefusedError."""
    row = await existing_lead(connection, lead_id)
    if row.merged_into is not None:
        raise RefusedError(409, "lead_merged", f"{lead_id} is now part of {row.merged_into}", path)
    return row


async def who_to_name(connection: AsyncConnection, lead_id: UUID) -> Identifiers:
    """An identifier by which the scorer finds the lead again. Raises RefusedError."""
    who = who_of(await queries.identifiers_in_force(connection, lead_id))
    if who is None:
        raise RefusedError(
            409,
            "lead_unreachable",
            "another lead has this one's identifiers now: no event can name it",
            "path.lead_id",
        )
    return who


async def acknowledged(sending: Awaitable[None]) -> None:
    """Return once Kafka has the order. Raises RefusedError."""
    try:
        await sending
    except TryAgainError:
        raise RefusedError(
            503,
            "kafka_away",
            f"Kafka did not answer within {ACK_SECONDS:g} s: send it again with the same id",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        ) from None

"""Setting a stage by hand: the lead and the live ruleset are looked up, and the event is sent."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console import queries
from services.console.answers import AcceptedOrder
from services.console.order_sending import Send, acknowledged, standing_lead, who_to_name
from services.console.refusals import RefusedError
from services.console.ruleset_cache import RulesetCache
from services.console.stage_orders import OrderError, StageOrder, check_order, event_of
from shared.envelope import Event
from shared.identifier_forms import IdentifierForms
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL, PHONE, USER_ID


class StageSetter:
    """Takes orders. The scorer carries them out: the move is then in the stage history."""

    def __init__(self, engine: AsyncEngine, send: Send, now_ms: Callable[[], int]) -> None:
        self._engine = engine
        self._send = send
        self._now_ms = now_ms
        self._rulesets = RulesetCache()

    async def take(self, lead_id: UUID, order: StageOrder) -> AcceptedOrder:
        """Return once Kafka has acknowledged the order. Raises RefusedError."""
        event = await self.checked(lead_id, order)
        await acknowledged(self._send(event))
        return AcceptedOrder(
            lead_id=lead_id,
            event_id=event.id,
            journey=order.journey,
            stage=order.stage,
            lock=order.lock,
            until=event.properties.get("until"),
        )

    async def checked(self, lead_id: UUID, order: StageOrder) -> Event:
        """The event that would be sent. Raises RefusedError for what can't be done."""
        now_ms = self._now_ms()
        async with self._engine.connect() as connection:
            row = await standing_lead(connection, lead_id)
            ruleset = await self._rulesets.live(connection)
            who = await who_to_name(connection, lead_id)
        if ruleset is None:
            raise RefusedError(409, "no_ruleset", "no ruleset is live: publish one first")
        try:
            check_order(order, ruleset.journeys, [one.name for one in row.journeys], now_ms)
        except OrderError as error:
            status = 409 if error.code == "not_on_journey" else 400
            raise RefusedError(status, error.code, str(error), f"body.{error.field}") from None
        return event_of(order, lead_id, who, now_ms)


async def find_lead(connection: AsyncConnection, name: str, forms: IdentifierForms) -> UUID | None:
    """The lead that a person names: by its id, or by any identifier, an external one as
    "system:id".
    """
    name = name.strip()
    lead_id = _uuid(name)
    if lead_id is not None and await queries.one_lead(connection, lead_id) is not None:
        return lead_id
    for kind in (EMAIL, PHONE, USER_ID, EXTERNAL, ANONYMOUS):
        value = forms.asked(kind, name)
        if value is not None:
            found = await queries.lead_named(connection, kind, value)
            if found is not None:
                return found
    return None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

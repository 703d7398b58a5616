"""Judging events by hand: they are looked up, and the event that says so is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, Self
from uuid import UUID, uuid4

import sqlalchemy as sa
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from starlette.responses import Response

from services.console.answers import Answer
from services.console.judge_orders import MOST_EVENTS, Judgement, judgement_event
from services.console.merge_orders import Asking
from services.console.order_sending import Send, acknowledged, standing_lead, who_to_name
from services.console.parameters import REFUSALS, as_json
from services.console.refusals import RefusedError
from services.console.routes import CANNOT_BE_DONE, NO_SUCH_LEAD
from services.console.stage_orders import MOST_CHARACTERS, OrderError
from shared.ids import dedupe_key
from shared.tables import event

_Words = Annotated[str, Field(max_length=MOST_CHARACTERS)]
_Id = Annotated[str, Field(min_length=1, max_length=1000)]


class NamedEvent(BaseModel):
    """As the timeline shows it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: _Id
    event_id: _Id


class JudgeRequest(BaseModel):
    """verdict: whose they are · events, message_id: which; all openings and clicks of a mail go by
    its properties.message_id · actor: who says so · id: the same one sent again counts once.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    verdict: Literal["human", "bot"]
    events: Annotated[list[NamedEvent], Field(max_length=MOST_EVENTS)] = []
    message_id: Annotated[str, Field(max_length=1000)] = ""
    actor: _Words = ""
    id: Annotated[_Words, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.events and not self.message_id:
            raise ValueError("name events, or the message_id of a mail")
        return self

    def judgement(self) -> Judgement:
        named = tuple((one.source, one.event_id) for one in self.events)
        return Judgement(self.verdict, named, self.message_id)


class AcceptedJudgement(Answer):
    """The word is kept safe, and the scores follow within about a second. event_id: of the event
    in the lead's timeline that says so.
    """

    accepted: Literal[True] = True
    lead_id: UUID
    event_id: str
    verdict: Literal["human", "bot"]


class JudgeDesk:
    """Takes orders. The scorer carries them out: points and stages are then as if the events had
    come so judged.
    """

    def __init__(
        self, engine: AsyncEngine, send: Send, now_ms: Callable[[], int], hash_key: bytes
    ) -> None:
        self._engine = engine
        self._send = send
        self._now_ms = now_ms
        self._hash_key = hash_key

    async def judge(
        self,
        lead_id: UUID,
        judgement: Judgement,
        order_id: str,
        actor: str,
        *,
        dry_run: bool = False,
    ) -> AcceptedJudgement:
        """Return once Kafka has the order. Raises RefusedError."""
        try:
            asking = Asking(order_id, actor, self._now_ms())
        except OrderError as error:
            raise RefusedError(400, error.code, str(error), f"body.{error.field}") from None
        async with self._engine.connect() as connection:
            await standing_lead(connection, lead_id)
            who = await who_to_name(connection, lead_id)
            from_ms = await self._first_of(connection, lead_id, judgement.events)
        # The scorer knows when a mail's first event was; we don't.
        from_ms = 0 if judgement.message_id else from_ms
        order = judgement_event(lead_id, who, judgement, from_ms, asking)
        if not dry_run:
            await acknowledged(self._send(order))
        return AcceptedJudgement(lead_id=lead_id, event_id=order.id, verdict=judgement.verdict)

    async def _first_of(
        self, connection: AsyncConnection, lead_id: UUID, named: Sequence[tuple[str, str]]
    ) -> int:
        """When the first of these events was, in ms; 0 for none. Raises RefusedError for those
        that the lead hasn't.
        """
        keys = {dedupe_key(self._hash_key, *one): place for place, one in enumerate(named)}
        found = await connection.execute(
            sa.select(event.c.key, event.c.occurred_ms).where(
                event.c.key.in_(list(keys)), event.c.lead_id == lead_id
            )
        )
        times = {row.key: row.occurred_ms for row in found}
        for key, place in keys.items():
            if key not in times:
                raise RefusedError(
                    404,
                    "event_not_found",
                    "the lead has no such event: source and event_id are as its timeline shows",
                    f"body.events.{place}",
                )
        return min(times.values(), default=0)


def judge_routes(desk: JudgeDesk) -> APIRouter:
    """Without access control."""
    router = APIRouter(prefix="/v1", responses=REFUSALS)

    @router.post(
        "/leads/{lead_id}/judge",
        status_code=202,
        response_model=AcceptedJudgement,
        responses=NO_SUCH_LEAD | CANNOT_BE_DONE,
        summary="Say that events are a person's or a machine's",
    )
    async def judge(lead_id: UUID, asked: JudgeRequest) -> Response:
        """Accepted once Kafka has the order. Points are given or taken back, and stages follow."""
        accepted = await desk.judge(
            lead_id, asked.judgement(), asked.id or uuid4().hex, asked.actor
        )
        return as_json(accepted, status=202)

    return router

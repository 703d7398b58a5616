"""The routes about hand-offs: parameters in, one question to the desk, JSON out."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.console import answers
from services.console.handoffs.answers import ActRequest, HandoffDetail, HandoffPage
from services.console.handoffs.desk import HandoffDesk
from services.console.handoffs.queries import HandoffFilter
from services.console.parameters import (
    DEFAULT_LIMIT,
    REFUSALS,
    Cursor,
    Limit,
    Text,
    as_json,
    refuse_nul,
)
from services.console.routes import CANNOT_BE_DONE
from shared.handoff_states import Act, State

NO_SUCH_HANDOFF: dict[int | str, dict[str, Any]] = {
    404: {"model": answers.Refusal, "description": "There is no such hand-off."},
}
Statuses = Annotated[list[State] | None, Query(max_length=12, description="Any of these.")]
Overdue = Annotated[bool, Query(description="Only open ones that should be answered by now.")]


def handoff_routes(desk: HandoffDesk) -> APIRouter:
    """Under /v1, without access control."""
    router = APIRouter(prefix="/v1", responses=REFUSALS)

    @router.get("/handoffs", response_model=HandoffPage, summary="Hand-offs")
    async def handoffs(
        status: Statuses = None,
        kind: Annotated[str | None, Query(pattern="^(sales|content)$")] = None,
        owner: Text = None,
        lead_id: UUID | None = None,
        overdue: Overdue = False,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Response:
        """The newest first, those too that wait or are withheld."""
        refuse_nul(owner)
        which = HandoffFilter(tuple(status or ()), kind, owner, lead_id)
        return as_json(await desk.listed(which, limit, cursor, overdue=overdue))

    @router.get(
        "/handoffs/{handoff_id}",
        response_model=HandoffDetail,
        responses=NO_SUCH_HANDOFF,
        summary="A hand-off",
    )
    async def one_handoff(handoff_id: UUID) -> Response:
        """With what was done with it, the oldest first."""
        return as_json(await desk.one(handoff_id))

    @router.post(
        "/handoffs/{handoff_id}/{act}",
        response_model=HandoffDetail,
        responses=NO_SUCH_HANDOFF | CANNOT_BE_DONE,
        summary="Answer a hand-off, release it or drop it",
    )
    async def act_on_handoff(handoff_id: UUID, act: Act, asked: ActRequest) -> Response:
        """Answered once Kafka has what scoring learns of it. The same again changes nothing."""
        refuse_nul(asked.reason, asked.note, asked.actor)
        return as_json(await desk.act(handoff_id, act, asked, "api"))

    return router

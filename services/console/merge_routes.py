"""The routes about leads that are joined and parted by hand."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.console.merge_answers import AcceptedMerge, Merges
from services.console.merging import MergeDesk
from services.console.parameters import REFUSALS, as_json
from services.console.routes import CANNOT_BE_DONE, NO_SUCH_LEAD
from services.console.stage_orders import MOST_CHARACTERS

_Words = Annotated[str, Field(max_length=MOST_CHARACTERS)]


class UnmergeRequest(BaseModel):
    """actor: who asks · id: the same one sent again counts once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    actor: _Words = ""
    id: Annotated[_Words, Field(min_length=1)] | None = None

    def order_id(self) -> str:
        return self.id or uuid4().hex


class MergeRequest(UnmergeRequest):
    """with: the other lead."""

    other: Annotated[UUID, Field(alias="with")]


def merge_routes(desk: MergeDesk) -> APIRouter:
    """Without access control."""
    router = APIRouter(prefix="/v1", responses=REFUSALS)

    @router.post(
        "/leads/{lead_id}/merge",
        status_code=202,
        response_model=AcceptedMerge,
        responses=NO_SUCH_LEAD | CANNOT_BE_DONE,
        summary="Say that two leads are one person",
    )
    async def merge(lead_id: UUID, asked: MergeRequest) -> Response:
        """Accepted once Kafka has the order. The older known lead survives."""
        accepted = await desk.merge(lead_id, asked.other, asked.order_id(), asked.actor)
        return as_json(accepted, status=202)

    @router.post(
        "/leads/{lead_id}/unmerge",
        status_code=202,
        response_model=AcceptedMerge,
        responses=NO_SUCH_LEAD | CANNOT_BE_DONE,
        summary="Take a merge back",
    )
    async def unmerge(lead_id: UUID, asked: UnmergeRequest) -> Response:
        """The lead that was absorbed stands by itself again; accepted once Kafka has the order."""
        return as_json(await desk.unmerge(lead_id, asked.order_id(), asked.actor), status=202)

    @router.get(
        "/leads/{lead_id}/merges",
        response_model=Merges,
        responses=NO_SUCH_LEAD,
        summary="The merges a lead took part in",
    )
    async def merges(lead_id: UUID) -> Response:
        """Newest first, also those that were taken back."""
        return as_json(await desk.merges(lead_id))

    return router

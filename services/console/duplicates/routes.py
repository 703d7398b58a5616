"""The routes about likely duplicates."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.console import answers
from services.console.duplicates.desk import DuplicateDesk, Pair, Pairs, Status
from services.console.merge_answers import AcceptedMerge
from services.console.parameters import DEFAULT_LIMIT, REFUSALS, Cursor, Limit, as_json
from services.console.routes import CANNOT_BE_DONE
from services.console.stage_orders import MOST_CHARACTERS

NO_SUCH_PAIR: dict[int | str, dict[str, Any]] = {
    404: {"model": answers.Refusal, "description": "These two are not listed."},
}


class Decision(BaseModel):
    """actor: who decides."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    actor: Annotated[str, Field(max_length=MOST_CHARACTERS)] = ""


def duplicate_routes(desk: DuplicateDesk) -> APIRouter:
    """Without access control."""
    router = APIRouter(prefix="/v1", responses=REFUSALS)

    @router.get("/duplicates", response_model=Pairs, summary="Leads that may be one person")
    async def pairs(
        status: Annotated[Status, Query(description="Which of them.")] = "open",
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Response:
        """As `leadscore duplicates find` found them last, the most likely first."""
        return as_json(await desk.pairs(status, limit, cursor))

    @router.post(
        "/duplicates/{lead_a}/{lead_b}/accept",
        status_code=202,
        response_model=AcceptedMerge,
        responses=NO_SUCH_PAIR | CANNOT_BE_DONE,
        summary="They are one person: merge them",
    )
    async def accept(lead_a: UUID, lead_b: UUID, decided: Decision) -> Response:
        """Accepted once Kafka has the order to merge."""
        done = await desk.accept(lead_a, lead_b, decided.actor, uuid4().hex)
        return as_json(done, status=202)

    @router.post(
        "/duplicates/{lead_a}/{lead_b}/dismiss",
        response_model=Pair,
        responses=NO_SUCH_PAIR,
        summary="They are two: don't show them again",
    )
    async def dismiss(lead_a: UUID, lead_b: UUID, decided: Decision) -> Response:
        """Unless something new speaks for it later."""
        return as_json(await desk.dismiss(lead_a, lead_b, decided.actor))

    return router

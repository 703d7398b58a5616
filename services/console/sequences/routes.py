"""The routes about sequences."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path
from starlette.responses import Response

from services.console import answers
from services.console.parameters import MAX_TEXT_CHARS, REFUSALS, as_json, refuse_nul
from services.console.routes import CANNOT_BE_DONE, NO_SUCH_LEAD
from services.console.sequences.answers import (
    Changed,
    Enrolments,
    Sequence,
    SequenceOrder,
    Sequences,
)
from services.console.sequences.desk import Order, SequenceDesk

NO_SUCH_SEQUENCE: dict[int | str, dict[str, Any]] = {
    404: {"model": answers.Refusal, "description": "There is no such sequence, or lead."},
}
Name = Annotated[str, Path(max_length=MAX_TEXT_CHARS)]


def sequence_routes(desk: SequenceDesk) -> APIRouter:
    """Under /v1, without access control."""
    router = APIRouter(prefix="/v1", responses=REFUSALS)

    @router.get(
        "/sequences", response_model=Sequences, responses=CANNOT_BE_DONE, summary="Sequences"
    )
    async def sequences() -> Response:
        """Those of the live ruleset, and others that leads are still on; with counts."""
        return as_json(await desk.listed())

    @router.get(
        "/sequences/{name}",
        response_model=Sequence,
        responses=NO_SUCH_SEQUENCE | CANNOT_BE_DONE,
        summary="A sequence",
    )
    async def one_sequence(name: Name) -> Response:
        """How often each step went out, and why leads left it."""
        refuse_nul(name)
        return as_json(await desk.one(name))

    @router.post(
        "/sequences/{name}/{order}",
        response_model=Changed,
        responses=NO_SUCH_SEQUENCE | CANNOT_BE_DONE,
        summary="Start, stop, pause, resume or move",
    )
    async def order_sequence(name: Name, order: Order, asked: SequenceOrder) -> Response:
        """For a lead; without one, for the sequence as a whole (pause, resume, move)."""
        refuse_nul(name, asked.actor)
        return as_json(await desk.take(order, name, asked.lead_id, asked.actor))

    @router.get(
        "/leads/{lead_id}/sequences",
        response_model=Enrolments,
        responses=NO_SUCH_LEAD | CANNOT_BE_DONE,
        summary="The sequences of a lead",
    )
    async def sequences_of_lead(lead_id: UUID) -> Response:
        """The newest first, those too that ended."""
        return as_json(await desk.of_lead(lead_id))

    return router

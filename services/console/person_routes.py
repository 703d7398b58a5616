"""The routes about one person: access, erasure, proofs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter
from starlette.responses import Response

from services.console import answers
from services.console.erasures import PersonDesk
from services.console.parameters import DEFAULT_LIMIT, REFUSALS, Limit, as_json
from services.console.person_requests import ErasureRequest, PersonRequest
from services.console.routes import CANNOT_BE_DONE

NOBODY: dict[int | str, dict[str, Any]] = {
    404: {"model": answers.Refusal, "description": "Nobody is known by this name."},
}


def person_routes(desk: PersonDesk) -> APIRouter:
    """Under /v1, without access control."""
    router = APIRouter(prefix="/v1", responses=REFUSALS)

    @router.post("/persons/export", responses=NOBODY, summary="Everything held of a person")
    async def export_person(asked: PersonRequest) -> dict[str, Any]:
        """By place: identifiers, events, scores, stages, merges, what others were told."""
        found = msgspec.json.encode(await desk.export(asked))
        return Response(found, media_type="application/json")  # type: ignore[return-value]

    @router.post(
        "/persons/erase",
        status_code=202,
        response_model=answers.AcceptedErasure,
        responses=NOBODY | CANNOT_BE_DONE,
        summary="Erase a person",
    )
    async def erase_person(asked: ErasureRequest) -> Response:
        """Accepted once Kafka has the order; the proof says when it is done."""
        return as_json(await desk.erase(asked), status=202)

    @router.get("/erasures", response_model=answers.Erasures, summary="Proofs of erasures")
    async def erasures(limit: Limit = DEFAULT_LIMIT) -> Response:
        """The newest first."""
        return as_json(await desk.proofs(limit))

    @router.get(
        "/erasures/{erasure_id}",
        response_model=answers.Erasure,
        responses={404: {"model": answers.Refusal, "description": "There is no such erasure."}},
        summary="Proof of an erasure",
    )
    async def one_erasure(erasure_id: UUID) -> Response:
        """Not there until the scorer has begun with it."""
        return as_json(await desk.proof(erasure_id))

    return router

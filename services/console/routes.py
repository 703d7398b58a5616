"""The routes of the read API: parameters in, one question to the reader, JSON out."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel
from starlette.responses import Response

from services.console import answers
from services.console.reading import LeadReader
from services.console.refusals import RefusedError
from shared.envelope import milliseconds
from shared.identity import ANONYMOUS, EMAIL, USER_ID

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_TEXT_CHARS = 512

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items in a page.")]
Cursor = Annotated[
    str | None, Query(max_length=MAX_TEXT_CHARS, description="`next_cursor` of the page before.")
]
Text = Annotated[str | None, Query(min_length=1, max_length=MAX_TEXT_CHARS)]
Moment = Annotated[
    AwareDatetime | None, Query(description="The instant to explain, RFC 3339; now if missing.")
]

REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": answers.Refusal, "description": "A parameter is not as it should be."},
    401: {"model": answers.Refusal, "description": "No valid token."},
}
NO_SUCH_LEAD: dict[int | str, dict[str, Any]] = {
    404: {"model": answers.Refusal, "description": "There is no such lead."},
}


def lead_routes(reader: LeadReader) -> APIRouter:
    """Everything under /v1, without access control."""
    router = APIRouter(prefix="/v1", responses=REFUSALS)

    @router.get("/leads", response_model=answers.LeadPage, summary="Find leads")
    async def find_leads(
        email: Text = None,
        user_id: Text = None,
        anonymous_id: Text = None,
        stage: Text = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Response:
        """Leads that have all of the identifiers given, newest first; absorbed ones left out."""
        wanted = ((EMAIL, email and email.strip().lower()), (USER_ID, user_id))
        named = [(kind, value) for kind, value in (*wanted, (ANONYMOUS, anonymous_id)) if value]
        _refuse_nul([value for _, value in named], stage)
        return _json(await reader.leads(named, stage, limit, cursor))

    @router.get(
        "/leads/{lead_id}", response_model=answers.Lead, responses=NO_SUCH_LEAD, summary="A lead"
    )
    async def one_lead(request: Request, lead_id: UUID) -> Response:
        """An absorbed lead is answered too: `merged_into` and Location name the survivor."""
        lead = await reader.lead(lead_id)
        return _json(lead, _survivor(request, lead.merged_into))

    @router.get(
        "/leads/{lead_id}/explain",
        response_model=answers.Explanation,
        responses=NO_SUCH_LEAD,
        summary="Why a lead has its scores",
    )
    async def explain_lead(request: Request, lead_id: UUID, at: Moment = None) -> Response:
        """Every entry, oldest first. `value_now` of a model's entries add up to its score."""
        explanation = await reader.explanation(lead_id, None if at is None else milliseconds(at))
        return _json(explanation, _survivor(request, explanation.merged_into))

    @router.get(
        "/leads/{lead_id}/timeline",
        response_model=answers.Timeline,
        responses=NO_SUCH_LEAD,
        summary="What a lead did",
    )
    async def lead_timeline(
        request: Request, lead_id: UUID, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Response:
        """Events, newest first, with what each earned; events of bots are marked."""
        page, merged_into = await reader.timeline(lead_id, limit, cursor)
        return _json(page, _survivor(request, merged_into))

    @router.get(
        "/leads/{lead_id}/stages",
        response_model=answers.StageHistory,
        responses=NO_SUCH_LEAD,
        summary="How a lead moved through the stages",
    )
    async def lead_stages(
        request: Request, lead_id: UUID, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Response:
        """Stage changes, newest first, each with the reasons it was decided for."""
        page, merged_into = await reader.stages(lead_id, limit, cursor)
        return _json(page, _survivor(request, merged_into))

    @router.get("/stages", response_model=answers.StageCounts, summary="Leads per stage")
    async def stage_counts() -> Response:
        """Counts in ladder order, zeros included."""
        return _json(await reader.stage_counts())

    @router.get("/audit", response_model=answers.Audit, summary="What the last audit found")
    async def last_audit() -> Response:
        """Were all leads stored as their events say? Null where there was no such run."""
        return _json(await reader.audit())

    return router


def _json(answer: BaseModel, headers: dict[str, str] | None = None) -> Response:
    """Written by pydantic in one go: the answer was validated when it was built."""
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")


def _survivor(request: Request, merged_into: UUID | None) -> dict[str, str]:
    """Location: the same page of the lead that lives on."""
    if merged_into is None:
        return {}
    parts = request.url.path.split("/")
    parts[parts.index("leads") + 1] = str(merged_into)
    return {"Location": "/".join(parts)}


def _refuse_nul(values: list[str], stage: str | None) -> None:
    """Postgres can't compare with U+0000: nothing stored holds it."""
    if any("\0" in value for value in [*values, stage or ""]):
        raise RefusedError(400, "invalid_parameter", "the character U+0000 is not allowed", "query")

"""The routes of the read API: parameters in, one question to the reader, JSON out."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime
from starlette.responses import Response

from services.console import answers
from services.console.parameters import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_TEXT_CHARS,
    REFUSALS,
    Cursor,
    Limit,
    as_json,
)
from services.console.reading import LeadReader
from services.console.segment_counts import SegmentCounter
from services.console.stage_request import StageRequest
from services.console.stage_setting import StageSetter
from services.console.trait_answers import TraitHistory
from services.scorer.core.compiled import JOURNEY
from shared.envelope import milliseconds

DEFAULT_NEWEST = 100
MAX_TRAIT_EVENTS = 2000
DEFAULT_TRAIT_EVENTS = 500

JourneyName = Annotated[str, Query(max_length=MAX_TEXT_CHARS, description="Which journey.")]
Moment = Annotated[
    AwareDatetime | None, Query(description="The instant to explain, RFC 3339; now if missing.")
]
Newest = Annotated[
    int,
    Query(
        ge=1,
        le=MAX_LIMIT,
        description="So many events are told one by one; what came before is added up.",
    ),
]
TraitEvents = Annotated[
    int, Query(ge=1, le=MAX_TRAIT_EVENTS, description="Events to read, the newest first.")
]

NO_SUCH_LEAD: dict[int | str, dict[str, Any]] = {
    404: {"model": answers.Refusal, "description": "There is no such lead."},
}
CANNOT_BE_DONE: dict[int | str, dict[str, Any]] = {
    409: {"model": answers.Refusal, "description": "This can't be done with this lead now."},
    503: {"model": answers.Refusal, "description": "Kafka or Postgres is away."},
}


def lead_routes(reader: LeadReader, setter: StageSetter, segments: SegmentCounter) -> APIRouter:
    """Everything under /v1, without access control."""
    router = APIRouter(prefix="/v1", responses=REFUSALS)

    @router.get(
        "/leads/{lead_id}", response_model=answers.Lead, responses=NO_SUCH_LEAD, summary="A lead"
    )
    async def one_lead(request: Request, lead_id: UUID) -> Response:
        """An absorbed lead is answered too: `merged_into` and Location name the survivor."""
        lead = await reader.lead(lead_id)
        return as_json(lead, _survivor(request, lead.merged_into))

    @router.get(
        "/leads/{lead_id}/explain",
        response_model=answers.Explanation,
        responses=NO_SUCH_LEAD,
        summary="Why a lead has its scores",
    )
    async def explain_lead(
        request: Request,
        lead_id: UUID,
        at: Moment = None,
        newest: Newest = DEFAULT_NEWEST,
        cursor: Cursor = None,
    ) -> Response:
        """The newest entries, oldest first, and what the rest is worth: they add up to the score.
        A cursor goes further back, at the instant of the page before.
        """
        at_ms = None if at is None else milliseconds(at)
        explanation = await reader.explanation(lead_id, at_ms, newest, cursor)
        return as_json(explanation, _survivor(request, explanation.merged_into))

    @router.get(
        "/leads/{lead_id}/next",
        response_model=answers.NextSteps,
        responses=NO_SUCH_LEAD,
        summary="What would bring a lead to a higher stage",
    )
    async def next_steps_of_lead(
        request: Request, lead_id: UUID, journey: JourneyName = JOURNEY
    ) -> Response:
        """Single events, one per rule, least effort first; and what happens if nothing does."""
        found = await reader.next_steps(lead_id, journey)
        return as_json(found, _survivor(request, found.merged_into))

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
        return as_json(page, _survivor(request, merged_into))

    @router.get(
        "/leads/{lead_id}/traits",
        response_model=TraitHistory,
        responses=NO_SUCH_LEAD,
        summary="What was said of a lead's traits",
    )
    async def lead_traits(
        request: Request,
        lead_id: UUID,
        events: TraitEvents = DEFAULT_TRAIT_EVENTS,
        cursor: Cursor = None,
    ) -> Response:
        """Each trait's value, which events said so, and the values it had before."""
        found = await reader.traits(lead_id, events, cursor)
        return as_json(found, _survivor(request, found.merged_into))

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
        return as_json(page, _survivor(request, merged_into))

    @router.post(
        "/leads/{lead_id}/stage",
        status_code=202,
        response_model=answers.AcceptedOrder,
        responses=NO_SUCH_LEAD | CANNOT_BE_DONE,
        summary="Set a lead's stage by hand, or release it",
    )
    async def set_stage(lead_id: UUID, asked: StageRequest) -> Response:
        """Accepted once Kafka has the order. The move is in the stage history a moment later."""
        return as_json(await setter.take(lead_id, asked.order()), status=202)

    @router.get("/stages", response_model=answers.StageCounts, summary="Leads per stage")
    async def stage_counts() -> Response:
        """Counts in ladder order, zeros included."""
        return as_json(await reader.stage_counts())

    @router.get(
        "/segments", response_model=answers.SegmentCounts, summary="Leads per persona and segment"
    )
    async def segment_counts() -> Response:
        """All leads are looked at; the answer is kept for a minute."""
        return as_json(await segments.counts())

    @router.get("/audit", response_model=answers.Audit, summary="What the last audit found")
    async def last_audit() -> Response:
        """Were all leads stored as their events say? Null where there was no such run."""
        return as_json(await reader.audit())

    return router


def _survivor(request: Request, merged_into: UUID | None) -> dict[str, str]:
    """Location: the same page of the lead that lives on."""
    if merged_into is None:
        return {}
    parts = request.url.path.split("/")
    parts[parts.index("leads") + 1] = str(merged_into)
    return {"Location": "/".join(parts)}

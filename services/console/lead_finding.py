"""Finding leads by their identifiers: in the body of a request, or in its address."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.console import answers
from services.console.parameters import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    MAX_TEXT_CHARS,
    REFUSALS,
    Cursor,
    Limit,
    Text,
    as_json,
    refuse_nul,
)
from services.console.reading import LeadReader
from shared.identifier_forms import IdentifierForms
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL, PHONE, USER_ID

_Words = Annotated[str | None, Field(min_length=1, max_length=MAX_TEXT_CHARS)]


class FindRequest(BaseModel):
    """Which leads: those that have all that is given. external: "system:id" · cursor:
    `next_cursor` of the page before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    email: _Words = None
    user_id: _Words = None
    anonymous_id: _Words = None
    phone: _Words = None
    external: _Words = None
    stage: _Words = None
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str | None, Field(max_length=MAX_TEXT_CHARS)] = None


def finding_routes(reader: LeadReader, forms: IdentifierForms) -> APIRouter:
    """/v1/leads and /v1/leads/find, without access control."""
    router = APIRouter(prefix="/v1", responses=REFUSALS)

    async def found(asked: FindRequest) -> Response:
        given = (
            (EMAIL, asked.email),
            (USER_ID, asked.user_id),
            (ANONYMOUS, asked.anonymous_id),
            (PHONE, asked.phone),
            (EXTERNAL, asked.external),
        )
        refuse_nul(*(text for _, text in given), asked.stage)
        wanted = [(kind, forms.asked(kind, text)) for kind, text in given if text is not None]
        named = [(kind, value) for kind, value in wanted if value is not None]
        if len(named) < len(wanted):  # nothing that is kept looks like this
            return as_json(answers.LeadPage(items=[], next_cursor=None))
        return as_json(await reader.leads(named, asked.stage, asked.limit, asked.cursor))

    @router.post(
        "/leads/find", response_model=answers.LeadPage, summary="Find leads by identifiers"
    )
    async def find_leads_unseen(asked: FindRequest) -> Response:
        """As `GET /v1/leads`, without personal data in the address: those of requests stand in the
        logs of whatever is in between.
        """
        return await found(asked)

    @router.get("/leads", response_model=answers.LeadPage, summary="Find leads")
    async def find_leads(
        email: Text = None,
        user_id: Text = None,
        anonymous_id: Text = None,
        stage: Text = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Response:
        """Leads that have all of the identifiers given, newest first; absorbed ones left out. To
        ask by an identifier, better POST to `/v1/leads/find`.
        """
        return await found(
            FindRequest(
                email=email,
                user_id=user_id,
                anonymous_id=anonymous_id,
                stage=stage,
                limit=limit,
                cursor=cursor,
            )
        )

    return router

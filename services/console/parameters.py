"""What the routes of the read API have in common: parameters, refusals, the way answers go out."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Query
from pydantic import BaseModel
from starlette.responses import Response

from services.console.answers import Refusal
from services.console.refusals import RefusedError

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
MAX_TEXT_CHARS = 512

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items in a page.")]
Cursor = Annotated[
    str | None, Query(max_length=MAX_TEXT_CHARS, description="`next_cursor` of the page before.")
]
Text = Annotated[str | None, Query(min_length=1, max_length=MAX_TEXT_CHARS)]

REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"model": Refusal, "description": "A parameter is not as it should be."},
    401: {"model": Refusal, "description": "No valid token."},
}


def as_json(
    answer: BaseModel, headers: dict[str, str] | None = None, status: int = 200
) -> Response:
    """Written by pydantic in one go: the answer was validated when it was built."""
    return Response(answer.model_dump_json(), status, headers, "application/json")


def refuse_nul(*values: str | None) -> None:
    """Postgres can't compare with U+0000: nothing stored holds it."""
    if any("\0" in value for value in values if value):
        raise RefusedError(400, "invalid_parameter", "the character U+0000 is not allowed", "query")

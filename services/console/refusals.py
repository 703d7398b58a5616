"""Refusals: every error of the read API has the same JSON shape."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from services.console.answers import Problem, Refusal

# Codes for what the framework itself refuses.
FRAMEWORK_CODES: dict[int, str] = {404: "not_found", 405: "method_not_allowed"}


# What the database driver raises while Postgres is away or busy.
DATABASE_AWAY: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    PoolTimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    OSError,
)
RETRY_AFTER_SECONDS = 5

log = structlog.get_logger(__name__)


class RefusedError(Exception):
    """A request that is answered with an error: status, code, message, and where it was wrong."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        path: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(code=code, message=message, path=path)
        self.headers = dict(headers or {})


def answer_refusals(app: FastAPI) -> None:
    """Give every error of the app the shape {"error": {code, message, path}}."""
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)
    for away in (*DATABASE_AWAY, DBAPIError):
        app.add_exception_handler(away, _database_failed)
    app.add_exception_handler(Exception, _our_fault)


def _answer(status: int, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    content = Refusal(error=problem).model_dump()
    return JSONResponse(content, status, headers=dict(headers or {}))


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return _answer(error.status, error.problem, error.headers)


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    return _answer(400, Problem(code="invalid_parameter", message=first["msg"], path=path))


async def _framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = FRAMEWORK_CODES.get(error.status_code, "refused")
    problem = Problem(code=code, message=str(error.detail), path=request.url.path)
    return _answer(error.status_code, problem, error.headers)


async def _database_failed(request: Request, error: Exception) -> Response:
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    if not lost and not isinstance(error, DATABASE_AWAY):
        return await _our_fault(request, error)
    log.warning("database away", error=type(error).__name__)
    problem = Problem(code="database_away", message="Postgres can't be reached; try again")
    return _answer(503, problem, {"Retry-After": str(RETRY_AFTER_SECONDS)})


async def _our_fault(_: Request, error: Exception) -> Response:
    log.error("request failed", error=type(error).__name__, exc_info=error)
    problem = Problem(code="internal_error", message="the answer could not be made; see the log")
    return _answer(500, problem)

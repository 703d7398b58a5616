"""The routes of the reports."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.console.parameters import REFUSALS, as_json
from services.console.reports.answers import MailingReport, Report
from services.console.reports.desk import By, ReportDesk

Days = Annotated[int, Query(ge=1, le=3650, description="So many days back.")]


def report_routes(desk: ReportDesk) -> APIRouter:
    """Under /v1, without access control."""
    router = APIRouter(prefix="/v1", responses=REFUSALS)

    @router.get("/reports/sequences", response_model=MailingReport, summary="Over-mailing")
    async def mailing(days: Days = 90) -> Response:
        """Unsubscribes and complaints by step of each sequence."""
        return as_json(await desk.mailing(days))

    @router.get("/reports/{by}", response_model=Report, summary="What became of hand-offs")
    async def handoffs(by: By, days: Days = 90) -> Response:
        """By rule, score band or source: accepted, won, value; with 95 % intervals."""
        return as_json(await desk.handoffs(by, days))

    return router

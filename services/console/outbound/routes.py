"""The routes about destinations and deliveries."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from services.console.answers import Refusal
from services.console.outbound import answers
from services.console.outbound.desk import OutboundDesk, utc
from services.console.parameters import (
    DEFAULT_LIMIT,
    REFUSALS,
    Cursor,
    Limit,
    Text,
    as_json,
    refuse_nul,
)
from shared.outbound.deliveries import Status, Wanted

NO_SUCH: dict[int | str, dict[str, Any]] = {
    404: {"model": Refusal, "description": "There is no such destination."},
}
NO_DELIVERY: dict[int | str, dict[str, Any]] = {
    404: {"model": Refusal, "description": "There is no such delivery (any more)."},
}
TAKEN: dict[int | str, dict[str, Any]] = {
    409: {"model": Refusal, "description": "Something else stands against it."},
}
Name = Annotated[str, Path(max_length=100, description="The destination's name.")]
Number = Annotated[int, Path(ge=1, lt=2**63, description="The delivery's number.")]


def outbound_routes(desk: OutboundDesk) -> APIRouter:
    """Without access control."""
    router = APIRouter(prefix="/v1", responses=REFUSALS)
    _destinations(router, desk)
    _operations(router, desk)
    _deliveries(router, desk)
    return router


def _destinations(router: APIRouter, desk: OutboundDesk) -> None:
    @router.get(
        "/destinations", response_model=answers.Destinations, summary="Who is told, and how"
    )
    async def listed() -> Response:
        """Secrets and the values of headers are never told."""
        return as_json(await desk.destinations())

    @router.post(
        "/destinations",
        status_code=201,
        response_model=answers.Made,
        responses=TAKEN,
        summary="Add a destination",
    )
    async def add(asked: answers.NewDestination) -> Response:
        """The secret of a webhook is told this once. It may lead to public addresses only."""
        return as_json(await desk.add(asked), status=201)

    @router.get(
        "/destinations/{destination}",
        response_model=answers.Destination,
        responses=NO_SUCH,
        summary="One destination",
    )
    async def one(destination: Name) -> Response:
        return as_json(await desk.destination(destination))

    @router.patch(
        "/destinations/{destination}",
        response_model=answers.Destination,
        responses=NO_SUCH | TAKEN,
        summary="Change a destination",
    )
    async def change(destination: Name, asked: answers.Change) -> Response:
        """What waits goes by the new settings, too."""
        return as_json(await desk.change(destination, asked))

    @router.delete(
        "/destinations/{destination}",
        status_code=204,
        responses=NO_SUCH,
        summary="Remove a destination",
    )
    async def remove(destination: Name) -> Response:
        """With its deliveries: those that wait, and the log."""
        await desk.remove(destination)
        return Response(status_code=204)


def _operations(router: APIRouter, desk: OutboundDesk) -> None:
    @router.post(
        "/destinations/{destination}/test",
        response_model=answers.Tested,
        responses=NO_SUCH,
        summary="Send a test message",
    )
    async def test(destination: Name) -> Response:
        """Of type leadscore.test, signed as any other, with no one's data."""
        return as_json(await desk.test(destination))

    @router.post(
        "/destinations/{destination}/rotate",
        response_model=answers.Made,
        responses=NO_SUCH | TAKEN,
        summary="Make a new secret",
    )
    async def rotate(destination: Name, asked: answers.Rotation) -> Response:
        """Both sign until the grace is over. The secret is told this once."""
        return as_json(await desk.rotate(destination, asked))

    @router.post(
        "/destinations/{destination}/enable",
        response_model=answers.Destination,
        responses=NO_SUCH,
        summary="Send to it again",
    )
    async def enable(destination: Name) -> Response:
        return as_json(await desk.enable(destination))

    @router.post(
        "/destinations/{destination}/disable",
        response_model=answers.Destination,
        responses=NO_SUCH,
        summary="Send nothing to it any more",
    )
    async def disable(destination: Name, asked: answers.Disabling) -> Response:
        """What happens meanwhile isn't queued for it either."""
        return as_json(await desk.disable(destination, asked.why))


def _deliveries(router: APIRouter, desk: OutboundDesk) -> None:
    @router.get(
        "/deliveries",
        response_model=answers.Deliveries,
        responses=NO_SUCH,
        summary="What was sent, waits, failed",
    )
    async def listed(
        destination: Text = None,
        status: Annotated[Status | None, Query()] = None,
        lead_id: UUID | None = None,
        type: Text = None,  # noqa: A002 - the parameter's name
        since: Annotated[AwareDatetime | None, Query(description="Queued since then.")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Response:
        """The newest first. Bodies aren't told."""
        refuse_nul(destination, type)
        wanted = Wanted(destination, status, lead_id, type, utc(since, "query.since"))
        return as_json(await desk.deliveries(wanted, limit, cursor))

    @router.post(
        "/deliveries/resend",
        response_model=answers.Queued,
        responses=NO_SUCH,
        summary="Send again what has ended",
    )
    async def resend(asked: answers.Again) -> Response:
        """Messages keep their ids: who has them drops them."""
        refuse_nul(asked.destination)
        return as_json(await desk.resend(asked, utc(asked.since, "body.since")))

    @router.get(
        "/deliveries/{delivery}",
        response_model=answers.DeliveryWithAttempts,
        responses=NO_DELIVERY,
        summary="A delivery and its attempts",
    )
    async def one(delivery: Number) -> Response:
        return as_json(await desk.delivery(delivery))

    @router.post(
        "/deliveries/{delivery}/resend",
        response_model=answers.Queued,
        responses=NO_DELIVERY,
        summary="Send one again",
    )
    async def resend_one(delivery: Number) -> Response:
        """0 if it waits already."""
        return as_json(await desk.resend_one(delivery))

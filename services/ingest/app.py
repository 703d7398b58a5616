"""The HTTP app of ingest: its table of routes, and everything put together."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.ingest import segment
from services.ingest.edge import Edge
from services.ingest.refusal import Refusal, refusal_response
from services.ingest.routes import EdgeRoute
from shared.health import Health, health_routes

_POST = ("POST",)

# Looked up in this order: the busiest first.
ROUTES: tuple[EdgeRoute, ...] = (
    EdgeRoute("/v1/track", _POST, segment.single("track"), "Something a person did"),
    EdgeRoute("/v1/batch", _POST, segment.batch, "Many calls at once"),
    EdgeRoute("/v1/page", _POST, segment.single("page"), "A page was viewed"),
    EdgeRoute("/v1/identify", _POST, segment.single("identify"), "Who a person is"),
    EdgeRoute("/v1/screen", _POST, segment.single("screen"), "A screen of an app was viewed"),
    EdgeRoute("/v1/group", _POST, segment.single("group"), "A person belongs to a company"),
    EdgeRoute("/v1/alias", _POST, segment.single("alias"), "Two ids are one person"),
)


def create_app(edge: Edge, health: Health) -> FastAPI:
    """The app over its parts. It starts and stops nothing: `main.py` does."""
    app = FastAPI(title="leadscore ingest", docs_url=None, redoc_url=None)
    app.state.edge = edge
    app.router.routes.extend(route.as_route() for route in ROUTES)
    app.router.routes.extend(health_routes(health))
    app.add_exception_handler(HTTPException, _plain_error)
    return app


async def _plain_error(_request: Request, error: Exception) -> Response:
    """Unknown paths, in the one shape of errors."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "refused")
    return refusal_response(Refusal(status, code, "There is nothing here."))

"""The HTTP app of ingest: its table of routes, and everything put together."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from services.ingest import (
    beacon,
    collect,
    forms,
    link_routes,
    pixel,
    protocol_routes,
    sdk_settings,
    segment,
    webhooks,
)
from services.ingest.edge import Edge
from services.ingest.imports import routes as imports
from services.ingest.openapi import documentation_routes
from services.ingest.refusal import Refusal, refusal_response
from services.ingest.routes import EdgeEndpoint, EdgeRoute, Handler
from shared.health import Health, health_routes

_GET = ("GET", "HEAD")
_POST = ("POST",)


def _call(kind: str, summary: str, path: str = "") -> EdgeRoute:
    return EdgeRoute(f"/v1/{path or kind}", _POST, segment.single(kind), summary, body="Call")


def _batch(path: str, summary: str) -> EdgeRoute:
    return EdgeRoute(path, _POST, segment.batch, summary, body="Batch")


def _image(path: str, handler: Handler, summary: str) -> EdgeRoute:
    return EdgeRoute(path, _GET, handler, summary, cross_origin=False, taken={200: "image/gif"})


def _matomo(path: str, summary: str) -> EdgeRoute:
    """The image for one request, 204 where none is wanted, JSON for a bulk."""
    taken = {200: "*/*", 204: ""}
    methods = (*_GET, *_POST)
    return EdgeRoute(path, methods, protocol_routes.matomo, summary, body="Matomo", taken=taken)


def _webhook(path: str, summary: str) -> EdgeRoute:
    # GET and HEAD: providers look whether the address is there.
    methods = (*_POST, *_GET)
    taken = {200: "*/*"}
    return EdgeRoute(path, methods, webhooks.webhook, summary, cross_origin=False, taken=taken)


def _job(path: str, handler: Handler, summary: str) -> EdgeRoute:
    taken = {200: "application/json"}
    return EdgeRoute(path, ("GET",), handler, summary, cross_origin=False, taken=taken)


_SHORT = ("track", "identify", "page", "screen", "group", "alias")

# Looked up in this order: the busiest first.
ROUTES: tuple[EdgeRoute, ...] = (
    _call("track", "Something a person did"),
    _batch("/v1/batch", "Many calls at once"),
    EdgeRoute("/collect", _POST, collect.collect, "What browsers' beacons send", body="Batch"),
    _call("page", "A page was viewed"),
    _call("identify", "Who a person is"),
    _call("screen", "A screen of an app was viewed"),
    _call("group", "A person belongs to a company"),
    _call("alias", "Two ids are one person"),
    _image("/v1/pixel.gif", pixel.pixel, "An event as an image"),
    EdgeRoute(
        "/beacon.js",
        _GET,
        beacon.beacon_js,
        "The browser tracker",
        cross_origin=False,
        taken={200: "text/javascript", 304: ""},
    ),
    EdgeRoute(
        "/v1/forms/{form}",
        _POST,
        forms.submit,
        "A form was submitted",
        body="Form",
        taken={200: "application/json", 303: ""},
    ),
    *(_call(kind, f"{kind}, as analytics.js calls it", path=kind[0]) for kind in _SHORT),
    _batch("/v1/b", "batch, as analytics.js calls it"),
    EdgeRoute("/v1/m", _POST, sdk_settings.metrics, "What analytics.js counts; not kept"),
    EdgeRoute(
        "/v1/projects/{key}/settings",
        _GET,
        sdk_settings.segment_settings,
        "What analytics.js asks for first",
    ),
    _batch("/beacon/v1/batch", "batch, as RudderStack's browser SDK sends beacons"),
    EdgeRoute("/sourceConfig", _GET, sdk_settings.rudder_source, "What RudderStack's SDK asks for"),
    EdgeRoute("/sourceConfig/", _GET, sdk_settings.rudder_source, "The same"),
    EdgeRoute(
        "/i",
        _GET,
        protocol_routes.snowplow_get,
        "An event of a Snowplow tracker",
        taken={200: "image/gif"},
    ),
    EdgeRoute(
        "/com.snowplowanalytics.snowplow/tp2",
        _POST,
        protocol_routes.snowplow_post,
        "Events of a Snowplow tracker",
        body="Snowplow",
        taken={200: "text/plain"},
    ),
    _matomo("/matomo.php", "Events of a Matomo tracker"),
    _matomo("/piwik.php", "The same, of old ones"),
    EdgeRoute(
        "/mp/collect",
        _POST,
        protocol_routes.ga4,
        "GA4's Measurement Protocol",
        body="Ga4",
        taken={204: ""},
    ),
    _image("/o/{token}", link_routes.opened, "The image of a mail"),
    EdgeRoute(
        "/c/{token}",
        _GET,
        link_routes.clicked,
        "A link of a mail",
        cross_origin=False,
        taken={200: "text/html", 302: "", 404: "text/html"},
    ),
    EdgeRoute("/v1/imports/{kind}", _POST, imports.upload, "A file of rows", cross_origin=False),
    _job("/v1/import-jobs", imports.jobs, "The newest imports"),
    _job("/v1/import-jobs/{id}", imports.one_job, "An import: how far it is, what it came to"),
    _webhook("/v1/webhooks/{provider}", "A provider's webhook"),
    _webhook("/v1/webhooks/{provider}/{name}", "The same, of one account of several"),
)


class IngestApp(FastAPI):
    """FastAPI, with a short way in for the plain routes: they are found by their path and called
    at once, past half a dozen layers that would do nothing for them (a fifth of a request's cost).
    """

    def __init__(self, edge: Edge) -> None:
        super().__init__(title="leadscore ingest", openapi_url=None)
        self.state.edge = edge
        self._endpoints: dict[str, EdgeEndpoint] = {}

    def add_edge_route(self, row: EdgeRoute) -> None:
        endpoint = EdgeEndpoint(row)
        self.router.routes.append(Route(row.path, endpoint))
        if "{" not in row.path:
            self._endpoints[row.path] = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get(scope.get("path", ""))
        if endpoint is None or scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        await endpoint(scope, receive, send)


def create_app(edge: Edge, health: Health) -> IngestApp:
    """The app over its parts. It starts and stops nothing: `main.py` does."""
    app = IngestApp(edge)
    for row in ROUTES:
        app.add_edge_route(row)
    app.router.routes.extend(health_routes(health))
    app.router.routes.extend(documentation_routes(ROUTES))
    app.add_exception_handler(HTTPException, _plain_error)
    return app


async def _plain_error(_request: Request, error: Exception) -> Response:
    """Unknown paths, in the one shape of errors."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "not_found", 405: "method_not_allowed"}.get(status, "refused")
    return refusal_response(Refusal(status, code, "There is nothing here."))

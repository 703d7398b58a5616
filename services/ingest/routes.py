"""A route at the edge: one plain ASGI endpoint with CORS, refusals and metrics."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from services.ingest.edge import Edge, header
from services.ingest.metrics import REJECTED, REQUEST_SECONDS, REQUESTS
from services.ingest.refusal import Refusal, refusal_response

Handler = Callable[[Request], Awaitable[Response]]
log = structlog.get_logger()

# What the SDKs of Segment and RudderStack send beside the body.
_ALLOW_HEADERS = (
    "authorization, content-type, content-encoding, x-retry-count, anonymousid, sentat, "
    "x-requested-with, sp-anonymous"
)


@dataclass(frozen=True, slots=True)
class EdgeRoute:
    """One row of the table of routes.

    handler: raises Refusal for what it doesn't take · cross_origin: browsers on other sites may
    call it · summary, body (name of a schema), taken ({status: media type, "" for an empty body} of
    what is no refusal, where it isn't Segment's success): for the OpenAPI page.
    """

    path: str
    methods: tuple[str, ...]
    handler: Handler
    summary: str
    cross_origin: bool = True
    body: str = ""
    taken: Mapping[int, str] | None = None


class EdgeEndpoint:
    """An ASGI app for one row: preflight, method, handler, refusals as JSON, CORS headers."""

    def __init__(self, route: EdgeRoute) -> None:
        self._route = route
        self._methods = frozenset(route.methods)
        self._allow = ", ".join((*route.methods, "OPTIONS"))
        self._ok = REQUESTS.labels(route.path, "200")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        edge: Edge = scope["app"].state.edge
        origin = header(scope, b"origin") if self._route.cross_origin else b""
        try:
            response = await self._respond(scope, receive, edge, origin)
        except Refusal as refusal:
            REJECTED.labels(refusal.code).inc()
            response = refusal_response(refusal)
        except ClientDisconnect:
            REJECTED.labels("client_gone").inc()
            return
        except Exception:
            log.exception("a request failed", route=self._route.path)
            REJECTED.labels("internal").inc()
            response = refusal_response(Refusal(500, "internal", "This is our fault."))
        if origin:
            _add_cors(response, edge, origin)
        await response(scope, receive, send)
        if response.status_code == 200:
            self._ok.inc()
        else:
            REQUESTS.labels(self._route.path, str(response.status_code)).inc()
        REQUEST_SECONDS.observe(time.perf_counter() - started)

    async def _respond(self, scope: Scope, receive: Receive, edge: Edge, origin: bytes) -> Response:
        method = scope["method"]
        if method in self._methods:
            if origin and not _allowed(edge, origin):
                raise Refusal(403, "origin_not_allowed", "Pages of this origin may not send here.")
            return await self._route.handler(Request(scope, receive))
        if method == "OPTIONS":
            return self._preflight(edge, origin)
        refusal = Refusal(405, "method_not_allowed", f"Use {self._allow}.")
        response = refusal_response(refusal)
        response.headers["allow"] = self._allow
        return response

    def _preflight(self, edge: Edge, origin: bytes) -> Response:
        headers = {"allow": self._allow}
        if origin and _allowed(edge, origin):
            headers |= {
                "access-control-allow-methods": self._allow,
                "access-control-allow-headers": _ALLOW_HEADERS,
                "access-control-max-age": "7200",
            }
        return Response(status_code=204, headers=headers)


def _allowed(edge: Edge, origin: bytes) -> bool:
    return edge.origins is None or origin.decode("latin-1") in edge.origins


def _add_cors(response: Response, edge: Edge, origin: bytes) -> None:
    """The very origin is echoed: beacons come with credentials, for which "*" is not valid."""
    response.raw_headers.append((b"vary", b"Origin"))
    if _allowed(edge, origin):
        response.raw_headers += [
            (b"access-control-allow-origin", origin),
            (b"access-control-allow-credentials", b"true"),
        ]


def origins_of(allowed: str) -> frozenset[str] | None:
    """The allowed origins; None means every one."""
    names = {part.strip().rstrip("/") for part in allowed.split(",") if part.strip()}
    return None if "*" in names else frozenset(names)

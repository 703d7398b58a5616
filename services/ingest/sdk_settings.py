"""What Segment's and RudderStack's SDKs ask for before they send: settings of a source."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from services.ingest.admission import admitted
from services.ingest.edge import edge_of, header
from services.ingest.keys import Sender, key_in_authorization
from services.ingest.refusal import Refusal
from services.ingest.segment import answer, success

_CACHE_SECONDS = 300


async def metrics(_request: Request) -> Response:
    """/v1/m: what analytics.js counts about itself. Nothing of it is kept."""
    return success()


async def segment_settings(request: Request) -> Response:
    """/v1/projects/{key}/settings: where analytics.js sends to, with no further destination."""
    key = request.path_params["key"]
    if edge_of(request).keys.find(key) is None:
        raise Refusal(404, "key_unknown", "This write key is not known.")
    scheme, host = _base(request).split("://", 1)
    return _cached({
        "integrations": {
            "Segment.io": {"apiKey": key, "apiHost": f"{host}/v1", "protocol": scheme}
        },
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}, "identify": {},
                 "group": {}},
        "edgeFunction": {},
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    })  # fmt: skip


async def rudder_source(request: Request) -> Response:
    """/sourceConfig: a source that is on, with no destination but this one."""
    given = request.query_params.get("writeKey", "")
    authorization = key_in_authorization(header(request.scope, b"authorization"))
    sender = admitted(edge_of(request), request.scope, "segment", authorization, given)
    return _cached({"source": _rudder(sender, authorization or given), "updatedAt": ""})


def _rudder(sender: Sender, key: str) -> dict[str, Any]:
    off = {"enabled": False}
    return {
        "id": sender.name,
        "name": sender.name,
        "writeKey": key,
        "workspaceId": "leadscore",
        "enabled": True,
        "config": {"statsCollection": {"errors": off, "metrics": off}},
        "connections": [],
        "destinations": [],
    }


def _base(request: Request) -> str:
    """The address that this service is asked by."""
    edge, scope = edge_of(request), request.scope
    asked = f"{scope['scheme']}://{header(scope, b'host').decode('latin-1')}"
    return edge.settings.ingest_url.rstrip("/") or asked


def _cached(body: dict[str, Any]) -> Response:
    response = answer(body)
    response.headers["cache-control"] = f"public, max-age={_CACHE_SECONDS}"
    return response

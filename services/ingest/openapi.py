"""The OpenAPI document of ingest, and its page: the hot routes are plain, so they are described
here.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from services.ingest.routes import EdgeRoute

STATIC = Path(__file__).parent / "static"

_TEXT = {"type": "string"}
_OBJECT = {"type": "object", "additionalProperties": True}
_MOMENT = {"type": "string", "format": "date-time"}

SCHEMAS: dict[str, Any] = {
    "Call": {
        "type": "object",
        "properties": {
            "type": {"enum": ["track", "identify", "page", "screen", "group", "alias"]},
            "messageId": {**_TEXT, "maxLength": 100, "description": "Id of the event."},
            "event": {**_TEXT, "maxLength": 128, "description": "Name of what happened (track)."},
            "name": {**_TEXT, "description": "Name of the page or screen."},
            "userId": {**_TEXT, "maxLength": 256},
            "anonymousId": {**_TEXT, "maxLength": 256},
            "previousId": {**_TEXT, "maxLength": 256, "description": "For alias."},
            "groupId": {**_TEXT, "maxLength": 256, "description": "For group."},
            "external": {**_OBJECT, "description": "Ids in other systems, by the system's name."},
            "timestamp": {**_MOMENT, "description": "When it happened, by the sender's clock."},
            "sentAt": {**_MOMENT, "description": "Now, by the sender's clock."},
            "properties": _OBJECT,
            "traits": _OBJECT,
            "context": _OBJECT,
            "writeKey": {**_TEXT, "description": "Instead of a header."},
        },
    },
    "Batch": {
        "type": "object",
        "required": ["batch"],
        "properties": {
            "batch": {
                "type": "array",
                "maxItems": 2500,
                "items": {"$ref": "#/components/schemas/Call"},
            },
            "sentAt": _MOMENT,
            "context": _OBJECT,
            "writeKey": _TEXT,
        },
    },
    "Form": {
        "type": "object",
        "description": "The fields of a form, also as urlencoded or multipart. See docs/beacon.md.",
        "properties": {
            "writeKey": _TEXT,
            "email": _TEXT,
            "_event": {**_TEXT, "description": "A standard type, else form_submitted."},
            "_redirect": {**_TEXT, "format": "uri"},
            "_consent": {**_TEXT, "description": "A purpose that the person ticked; may repeat."},
            "_consent_text": {**_TEXT, "description": "The version of the text beside it."},
            "_gotcha": {**_TEXT, "description": "Stays empty when a person fills in the form."},
            "_anonymous_id": _TEXT,
            "_user_id": _TEXT,
            "_message_id": {**_TEXT, "maxLength": 100},
        },
        "additionalProperties": True,
    },
    "Snowplow": {
        "type": "object",
        "required": ["data"],
        "description": "Snowplow's payload_data. See docs/sdks.md.",
        "properties": {
            "schema": _TEXT,
            "data": {
                "type": "array",
                "minItems": 1,
                "maxItems": 2500,
                "items": {
                    "type": "object",
                    "description": "Fields of the tracker protocol; aid is the key.",
                    "properties": {
                        "aid": _TEXT,
                        "e": {"enum": ["pv", "se", "ue", "tr", "ti", "pp"]},
                    },
                    "additionalProperties": _TEXT,
                },
            },
        },
    },
    "Matomo": {
        "type": "object",
        "required": ["requests"],
        "description": "A bulk request, or one request as a form. See docs/sdks.md.",
        "properties": {
            "requests": {
                "type": "array",
                "minItems": 1,
                "maxItems": 2500,
                "items": {"anyOf": [_TEXT, _OBJECT]},
            },
            "token_auth": {**_TEXT, "description": "The key."},
        },
    },
    "Ga4": {
        "type": "object",
        "required": ["events"],
        "description": "GA4's Measurement Protocol; api_secret in the address is the key.",
        "properties": {
            "client_id": _TEXT,
            "user_id": _TEXT,
            "timestamp_micros": {"type": ["integer", "string"]},
            "user_properties": _OBJECT,
            "events": {
                "type": "array",
                "minItems": 1,
                "maxItems": 25,
                "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {"name": _TEXT, "params": _OBJECT},
                },
            },
        },
    },
    "Told": {
        "type": "object",
        "properties": {
            "index": {"type": "integer", "description": "Of the call in its batch."},
            "code": _TEXT,
            "message": _TEXT,
            "path": _TEXT,
        },
    },
    "Success": {
        "type": "object",
        "properties": {
            "success": {"const": True},
            "withheld": {
                "type": "object",
                "description": "How many passive events were not kept: gpc, consent.",
                "additionalProperties": {"type": "integer"},
            },
            "errors": {
                "type": "array",
                "description": "Only from a batch: the events that were not taken.",
                "items": {"$ref": "#/components/schemas/Told"},
            },
            "notes": {
                "type": "array",
                "description": "Identifiers that events were kept without.",
                "items": {"$ref": "#/components/schemas/Told"},
            },
        },
    },
    "Error": {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {"code": _TEXT, "message": _TEXT, "path": _TEXT},
            }
        },
    },
}

_REFUSALS = {
    "400": "Something in the document can't be taken; `path` says where.",
    "401": "The key or the signature is missing or not known.",
    "403": "Not from this origin, not with this key, or said by servers alone.",
    "404": "No such path, key or provider.",
    "408": "The body took too long.",
    "413": "Too large.",
    "415": "A Content-Encoding other than one layer of gzip.",
    "429": "Kafka is away or too much is waiting: send it again after `Retry-After` seconds.",
}


def document(routes: Iterable[EdgeRoute]) -> dict[str, Any]:
    """OpenAPI 3.1 of the table of routes."""
    paths: dict[str, Any] = {}
    for route in routes:
        for method in route.methods:
            paths.setdefault(route.path, {})[method.lower()] = _operation(route, method)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "leadscore ingest",
            "version": "1",
            "description": "Events in. Compatible with Segment's HTTP API. See docs/ingest.md.",
        },
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "writeKey": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "The key as user name, no password.",
                },
                "bearer": {"type": "http", "scheme": "bearer", "description": "The key."},
            },
        },
    }


def _operation(route: EdgeRoute, method: str) -> dict[str, Any]:
    names = [part[1:-1].partition(":")[0] for part in route.path.split("/") if part[:1] == "{"]
    operation: dict[str, Any] = {
        "summary": route.summary,
        "responses": {
            **{status: _content(why, "Error") for status, why in _REFUSALS.items()},
            **_taken(route, method),
        },
    }
    if names:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names
        ]
    if route.body and method == "POST":
        schema = {"$ref": f"#/components/schemas/{route.body}"}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
        operation["security"] = [{"writeKey": []}, {"bearer": []}]
    return operation


def _content(description: str, schema: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {"application/json": {"schema": reference}}}


def _taken(route: EdgeRoute, method: str) -> dict[str, Any]:
    """The answers that are no refusals."""
    if not route.taken and method == "POST":
        return {"200": _content("Taken, and safe.", "Success")}
    return {
        str(status): {
            "description": "What the path says.",
            **({"content": {media: {}}} if media and method != "HEAD" else {}),
        }
        for status, media in (route.taken or {200: "application/json"}).items()
    }


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>leadscore ingest</title>
<link rel="stylesheet" href="docs/static/swagger-ui.css"></head>
<body><div id="page"></div><script src="docs/static/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "openapi.json", dom_id: "#page", deepLinking: true})</script>
</body></html>
"""


def documentation_routes(routes: Iterable[EdgeRoute]) -> list[BaseRoute]:
    """/openapi.json and /docs, with everything the page needs served from here."""
    described = document(routes)

    async def openapi(_request: Request) -> Response:
        return JSONResponse(described)

    async def page(_request: Request) -> Response:
        return HTMLResponse(_PAGE)

    return [
        Route("/openapi.json", openapi),
        Route("/docs", page),
        Mount("/docs/static", StaticFiles(directory=STATIC)),
    ]

"""The addresses that Snowplow's, Matomo's and GA4's trackers send to."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from services.ingest.admission import admitted
from services.ingest.body import read_body
from services.ingest.edge import edge_of, header
from services.ingest.json_checks import decode
from services.ingest.keys import Sender, key_in_authorization
from services.ingest.limits import BATCH_BYTES, BATCH_EVENTS, EVENT_BYTES
from services.ingest.pixel import GIF, PIXEL_HEADERS
from services.ingest.protocols.contract import Read, parameters
from services.ingest.protocols.ga4 import MOST_EVENTS, GaBody, GaEvent, ga4_call
from services.ingest.protocols.matomo import matomo_call
from services.ingest.protocols.snowplow import snowplow_call
from services.ingest.refusal import Refusal, invalid
from services.ingest.segment import answer
from services.ingest.taking import take_items

_Values = dict[str, str | int | float | bool | None]


class _Payload(msgspec.Struct):
    """Snowplow's payload_data."""

    data: list[msgspec.Raw]


class _Bulk(msgspec.Struct):
    """Matomo's bulk request: query strings, or objects with the parameters."""

    requests: list[str | dict[str, Any]]
    token_auth: str | None = None


_payload: Final = msgspec.json.Decoder(_Payload)
_values: Final = msgspec.json.Decoder(_Values)
_bulk: Final = msgspec.json.Decoder(_Bulk)
_ga_body: Final = msgspec.json.Decoder(GaBody)
_ga_event: Final = msgspec.json.Decoder(GaEvent)


async def snowplow_get(request: Request) -> Response:
    """/i: one event in the address. A HEAD looks, and counts as nothing."""
    if request.method != "HEAD":
        item = parameters(_query(request))
        sender = _snowplow_sender(request, item)
        await take_items(request, "snowplow", sender, [item], snowplow_call)
    return _image()


async def snowplow_post(request: Request) -> Response:
    """tp2: many events. Each may have its own app id; the first known one is the sender's key."""
    body = await read_body(request.scope, request.receive, BATCH_BYTES)
    raws = decode(_payload, body).data
    _check_count(len(raws), "data")
    first = next((one for one in map(_readable, raws) if one.get("aid")), {})
    sender = _snowplow_sender(request, first)
    await take_items(request, "snowplow", sender, raws, lambda raw: snowplow_call(_flat(raw)))
    return PlainTextResponse("ok")


async def matomo(request: Request) -> Response:
    """matomo.php: one event in address or form, or a bulk of them as JSON."""
    if request.method == "HEAD":
        return _image()
    given = parameters(_query(request))
    if request.method == "POST":
        body = await read_body(request.scope, request.receive, BATCH_BYTES)
        if body.lstrip()[:1] == b"{":
            return await _matomo_bulk(request, given, decode(_bulk, body))
        given |= parameters(body.decode("utf-8", "replace"))
    sender = _matomo_sender(request, given)
    await take_items(request, "matomo", sender, [given], matomo_call)
    return Response(status_code=204) if given.get("send_image") == "0" else _image()


async def _matomo_bulk(request: Request, outer: dict[str, str], bulk: _Bulk) -> Response:
    _check_count(len(bulk.requests), "requests")
    first = next((one for one in bulk.requests if _sized(one)), "")
    found = _one_of_bulk(first) | outer
    if bulk.token_auth:
        found["token_auth"] = bulk.token_auth
    errors = await take_items(
        request, "matomo", _matomo_sender(request, found), bulk.requests,
        lambda one: matomo_call(_one_of_bulk(one)),
    )  # fmt: skip
    return answer(
        {
            "status": "success",
            "tracked": len(bulk.requests) - len(errors),
            "invalid": len(errors),
            "invalid_indices": [error["index"] for error in errors],
            "errors": errors,
        }
    )


async def ga4(request: Request) -> Response:
    """/mp/collect: 25 events of one person at most."""
    body = await read_body(request.scope, request.receive, BATCH_BYTES)
    key = request.query_params.get("api_secret", "")
    sender = admitted(edge_of(request), request.scope, "ga4", key)
    document = decode(_ga_body, body)
    if not 1 <= len(document.events) <= MOST_EVENTS:
        raise invalid("events_count", f"A request has 1 to {MOST_EVENTS} events.", "events")

    def read(raw: msgspec.Raw) -> Read:
        _check_size(raw)
        return ga4_call(document, decode(_ga_event, raw))

    await take_items(request, "ga4", sender, document.events, read)
    return Response(status_code=204)


def _image() -> Response:
    return Response(GIF, headers=PIXEL_HEADERS, media_type="image/gif")


def _query(request: Request) -> str:
    query: bytes = request.scope["query_string"]
    return query.decode("utf-8", "replace")


def _snowplow_sender(request: Request, item: dict[str, str]) -> Sender:
    keys = (_authorized(request), item.get("aid", ""))
    return admitted(edge_of(request), request.scope, "snowplow", *keys)


def _matomo_sender(request: Request, given: dict[str, str]) -> Sender:
    """token_auth before idsite: a server's key may say more than a page's."""
    keys = (_authorized(request), given.get("token_auth", ""), given.get("idsite", ""))
    return admitted(edge_of(request), request.scope, "matomo", *keys)


def _authorized(request: Request) -> str:
    return key_in_authorization(header(request.scope, b"authorization"))


def _flat(raw: msgspec.Raw) -> dict[str, str]:
    """An item's values as texts, as the protocol wants them."""
    _check_size(raw)
    return {
        name: value if isinstance(value, str) else str(value)
        for name, value in decode(_values, raw).items()
        if value is not None
    }


def _readable(raw: msgspec.Raw) -> dict[str, str]:
    try:
        return _flat(raw)
    except Refusal:
        return {}


def _one_of_bulk(one: str | dict[str, Any]) -> dict[str, str]:
    if not _sized(one):
        raise Refusal(413, "too_large", f"An event may have {EVENT_BYTES} bytes.")
    if isinstance(one, str):
        return parameters(one.removeprefix("?"))
    return {name: str(value) for name, value in one.items() if isinstance(value, (str, int, float))}


def _sized(one: str | dict[str, Any]) -> bool:
    return len(one) <= EVENT_BYTES if isinstance(one, str) else len(one) <= 300


def _check_count(count: int, path: str) -> None:
    if not count:
        raise invalid("batch_empty", "The batch holds no event.", path)
    if count > BATCH_EVENTS:
        raise Refusal(413, "batch_too_long", f"A batch may have {BATCH_EVENTS} events.", path)


def _check_size(raw: msgspec.Raw) -> None:
    if len(memoryview(raw)) > EVENT_BYTES:
        raise Refusal(413, "too_large", f"An event may have {EVENT_BYTES} bytes.")

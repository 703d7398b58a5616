"""Segment's HTTP API: /v1/track, identify, page, screen, group, alias and batch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from services.ingest.admission import admitted
from services.ingest.body import read_body
from services.ingest.edge import Edge, arrival_of, edge_of, gpc_of, header
from services.ingest.identities import notes_of
from services.ingest.json_checks import check_document, decode
from services.ingest.keys import Sender, key_in_authorization
from services.ingest.limits import BATCH_BYTES, BATCH_EVENTS, EVENT_BYTES
from services.ingest.metrics import REJECTED
from services.ingest.normalise import Arrival, Call, normalise
from services.ingest.privacy import Why, count_withheld, sift
from services.ingest.refusal import Refusal, invalid
from shared.envelope import Event

SUCCESS = b'{"success": true}'


class Batch(msgspec.Struct, rename="camel"):
    """The body of /v1/batch. Items stay undecoded, so that one bad item spoils only itself."""

    batch: list[msgspec.Raw]
    write_key: str | None = None
    sent_at: str | int | float | None = None
    context: dict[str, Any] | None = None


_Told = Sequence[dict[str, Any]]
_NONE: Mapping[Why, int] = {}
_call_decoder = msgspec.json.Decoder(Call)
_batch_decoder = msgspec.json.Decoder(Batch)


class Success(Response):
    """Exactly 200 {"success": true}, made without going through the general way each time."""

    def __init__(self) -> None:
        self.status_code = 200
        self.background = None
        self.body = SUCCESS
        self.raw_headers = [
            (b"content-length", b"17"),
            (b"content-type", b"application/json"),
        ]


def success(errors: _Told = (), notes: _Told = (), withheld: Mapping[Why, int] = _NONE) -> Response:
    """The answer when something was taken: with what was wrong with the rest, and with notes on
    what was left out, where there is any. Both: [{"code", "message", "path"}], in a batch with
    "index". withheld: how many events may not be taken, by why; they are counted here.
    """
    if not errors and not notes and not withheld:
        return Success()
    body: dict[str, Any] = {"success": True}
    if withheld:
        body["withheld"] = withheld
        count_withheld(withheld)
    if errors:
        body["errors"] = errors
    if notes:
        body["notes"] = notes
    return answer(body)


def answer(body: dict[str, Any], status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


def single(kind: str) -> Callable[[Request], Awaitable[Response]]:
    """The handler of /v1/{kind}."""

    async def handle(request: Request) -> Response:
        edge, scope = edge_of(request), request.scope
        body = await read_body(scope, request.receive, EVENT_BYTES)
        call = decode(_call_decoder, body)
        sender = _sender(edge, request, call.write_key)
        arrival = arrival_of(scope, edge, sender)
        event = normalise(call, kind, arrival)
        kept, withheld = sift((event,), gpc=gpc_of(scope, sender))
        if kept:
            edge.rates.check_events(sender, kept)
            await edge.intake.accept(kept)
        return success(notes=notes_of(arrival.left_out), withheld=withheld)

    return handle


async def batch(request: Request) -> Response:
    """Take the good events of a batch; name the others in `errors`. 400 when none is good."""
    edge, scope = edge_of(request), request.scope
    body = await read_body(scope, request.receive, BATCH_BYTES)
    document = decode(_batch_decoder, body)
    sender = _sender(edge, request, document.write_key)
    calls = document.batch
    if not calls:
        raise invalid("batch_empty", "The batch holds no event.", "batch")
    if len(calls) > BATCH_EVENTS:
        raise Refusal(413, "batch_too_long", f"A batch may have {BATCH_EVENTS} events.", "batch")
    if document.context:
        check_document(document.context, "context")
    arrival = arrival_of(scope, edge, sender, document.sent_at, document.context)
    events, errors = read_calls(calls, arrival)
    if not events:
        return answer({"error": errors[0]["error"], "errors": _flat(errors)}, 400)
    kept, withheld = sift(events, gpc=gpc_of(scope, sender))
    if kept:
        edge.rates.check_events(sender, kept)
        await edge.intake.accept(kept)
    return success(_flat(errors), notes_of(arrival.left_out, in_batch=True), withheld)


def read_calls(
    calls: list[msgspec.Raw], arrival: Arrival
) -> tuple[list[Event], list[dict[str, Any]]]:
    """The events of the calls that can be read; and of the others {"index", "error"}."""
    events: list[Event] = []
    errors: list[dict[str, Any]] = []
    for index, raw in enumerate(calls):
        try:
            events.append(_read_call(raw, arrival, index))
        except Refusal as refusal:
            REJECTED.labels(refusal.code).inc()
            errors.append({"index": index, "error": refusal.under(f"batch[{index}]").as_dict()})
    return events, errors


def _read_call(raw: msgspec.Raw, arrival: Arrival, index: int) -> Event:
    if len(memoryview(raw)) > EVENT_BYTES:
        raise Refusal(413, "too_large", f"An event may have {EVENT_BYTES} bytes.")
    call = decode(_call_decoder, raw)
    if call.type is None:
        raise invalid("type_missing", "Say in type what kind of call this is.", "type")
    return normalise(call, call.type, arrival, index)


def _sender(edge: Edge, request: Request, in_body: str | None) -> Sender:
    authorization = header(request.scope, b"authorization")
    return admitted(
        edge,
        request.scope,
        "segment",
        key_in_authorization(authorization) if authorization else "",
        in_body or "",
        _key_in_address(request.scope),
    )


def _key_in_address(scope: Scope) -> str:
    """RudderStack's beacons can give it nowhere else."""
    query: bytes = scope["query_string"]
    return parse_qs(query.decode("latin-1")).get("writeKey", [""])[0] if query else ""


def _flat(errors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """[{"index", "code", "message", "path"}]."""
    return [{"index": each["index"], **each["error"]} for each in errors]

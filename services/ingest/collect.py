"""POST /collect: what navigator.sendBeacon can send, and the calls of beacon.js."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from services.ingest.admission import admitted
from services.ingest.body import read_body
from services.ingest.edge import arrival_of, edge_of, gpc_of, header
from services.ingest.flat_call import read_flat_call
from services.ingest.form_call import form_event, form_name
from services.ingest.form_fields import checked_fields, read_fields
from services.ingest.identities import notes_of
from services.ingest.json_checks import check_document, decode
from services.ingest.keys import Sender, key_in_authorization
from services.ingest.limits import BATCH_EVENTS, COLLECT_BYTES, EVENT_BYTES
from services.ingest.metrics import REJECTED
from services.ingest.normalise import Arrival, Call, normalise
from services.ingest.privacy import sift
from services.ingest.refusal import Refusal, invalid
from services.ingest.segment import answer, success
from shared.envelope import Event


class BeaconCall(Call):
    """A Segment call, or type "form": a submitted form with its name and raw fields."""

    form: str | None = None
    fields: dict[str, Any] | None = None


class Posted(msgspec.Struct, rename="camel"):
    """The outside of a body: a batch, or one call, which is then decoded once more."""

    batch: list[msgspec.Raw] | None = None
    write_key: str | None = None
    sent_at: str | int | float | None = None
    context: dict[str, Any] | None = None


_posted_decoder = msgspec.json.Decoder(Posted)
_call_decoder = msgspec.json.Decoder(BeaconCall)


# An event, and whether it is a submitted form: those are nobody's passive tracking.
Taken = tuple[Event, bool]
# Items of an answer's `errors` or `notes`.
_Told = list[dict[str, Any]]


async def collect(request: Request) -> Response:
    """{type, …} or {batch: […]} as JSON under any Content-Type, or one flat call as a urlencoded or
    multipart form. Good events of a batch are taken, the others named in `errors`; 400 when none is
    good.
    """
    edge, scope = edge_of(request), request.scope
    body = await read_body(scope, request.receive, COLLECT_BYTES)
    sender, taken, errors, notes = await _read(request, body)
    if errors and not taken:
        first = {name: errors[0][name] for name in ("code", "message", "path")}
        return answer({"error": first, "errors": errors}, 400)
    submitted = {place for place, (_, is_form) in enumerate(taken) if is_form}
    events, withheld = sift(
        [event for event, _ in taken], gpc=gpc_of(scope, sender), submitted=submitted
    )
    if events:
        edge.rates.check_events(sender, events)
        await edge.intake.accept(events)
    return success(errors, notes, withheld)


async def _read(request: Request, body: bytes) -> tuple[Sender, list[Taken], _Told, _Told]:
    """Who sends, the events of the body, what is wrong with the others, and notes on what was left
    out of them.
    """
    edge, scope = edge_of(request), request.scope
    keys = (
        key_in_authorization(header(scope, b"authorization")),
        request.query_params.get("writeKey", ""),
    )
    if body.lstrip()[:1] != b"{":
        flat = await _flat_fields(header(scope, b"content-type").decode("latin-1"), body)
        sender = admitted(edge, scope, "collect", *keys, flat.get("writeKey", ""))
        kind, call = read_flat_call(flat)
        arrival = arrival_of(scope, edge, sender)
        event = normalise(call, kind, arrival)
        return sender, [(event, False)], [], notes_of(arrival.left_out)
    posted = decode(_posted_decoder, body)
    sender = admitted(edge, scope, "collect", *keys, posted.write_key or "")
    if posted.batch is None:
        arrival = arrival_of(scope, edge, sender)
        return sender, [read_call(body, arrival)], [], notes_of(arrival.left_out)
    if posted.context:
        check_document(posted.context, "context")
    arrival = arrival_of(scope, edge, sender, posted.sent_at, posted.context)
    taken, errors = read_batch(posted.batch, arrival)
    return sender, taken, errors, notes_of(arrival.left_out, in_batch=True)


def read_batch(
    calls: Sequence[msgspec.Raw], arrival: Arrival
) -> tuple[list[Taken], list[dict[str, Any]]]:
    """What `read_call` says of the calls that can be read, and {"index", "code", "message", "path"}
    of the others. Raises Refusal for an empty batch or one that is too long.
    """
    if not calls:
        raise invalid("batch_empty", "The batch holds no event.", "batch")
    if len(calls) > BATCH_EVENTS:
        raise Refusal(413, "batch_too_long", f"A batch may have {BATCH_EVENTS} events.", "batch")
    taken: list[Taken] = []
    errors: list[dict[str, Any]] = []
    for index, raw in enumerate(calls):
        try:
            taken.append(read_call(raw, arrival, index))
        except Refusal as refusal:
            REJECTED.labels(refusal.code).inc()
            errors.append({"index": index, **refusal.under(f"batch[{index}]").as_dict()})
    return taken, errors


def read_call(raw: bytes | msgspec.Raw, arrival: Arrival, index: int = 0) -> Taken:
    """The event of one call. Raises Refusal with its path."""
    if len(memoryview(raw)) > EVENT_BYTES:
        raise Refusal(413, "too_large", f"An event may have {EVENT_BYTES} bytes.")
    call = decode(_call_decoder, raw)
    if call.type is None:
        raise invalid("type_missing", "Say in type what kind of call this is.", "type")
    if call.type != "form":
        return normalise(call, call.type, arrival, index), False
    fields = call.fields or {}
    checked_fields(fields)
    return form_event(form_name(call.form), fields, call, arrival, index), True


async def _flat_fields(content_type: str, body: bytes) -> dict[str, str]:
    fields = await read_fields(content_type, body)
    return {name: value for name, value in fields.items() if isinstance(value, str)}

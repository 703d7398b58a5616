"""POST /v1/webhooks/sendgrid: signature first, then the items; what can't be read is kept apart."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response

from services.ingest.body import read_body
from services.ingest.edge import edge_of, header
from services.ingest.json_checks import decode
from services.ingest.limits import DEAD_LETTER_BYTES, WEBHOOK_BYTES, WEBHOOK_EVENTS
from services.ingest.metrics import PROVIDER_ITEMS, SIGNATURES_REFUSED
from services.ingest.refusal import Refusal, invalid
from services.ingest.segment import success
from services.ingest.sendgrid import SOURCE, read_item
from services.ingest.sendgrid_signature import (
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    check_signature,
)
from shared.bus import Record
from shared.envelope import Event

log = structlog.get_logger()
_items_decoder = msgspec.json.Decoder(list[msgspec.Raw])


async def sendgrid(request: Request) -> Response:
    """Take a signed batch. 401 without a valid signature; 200 once everything is safe, bad items
    in the dead letter: SendGrid couldn't mend them, and would send them again for a day.
    """
    edge, scope = edge_of(request), request.scope
    keys = edge.sources.sendgrid_keys(scope.get("path_params", {}).get("name"))
    signature, timestamp = header(scope, SIGNATURE_HEADER), header(scope, TIMESTAMP_HEADER)
    now = edge.now()
    window = edge.settings.sendgrid_window_seconds
    try:
        if keys and signature:
            body = await read_body(scope, request.receive, WEBHOOK_BYTES)
        else:  # refused below: what isn't signed isn't read
            body = b""
        check_signature(keys, signature, timestamp, body, now, window)
    except Refusal as refusal:
        SIGNATURES_REFUSED.labels(SOURCE, refusal.code).inc()
        raise
    events: list[Event] = []
    dead: list[tuple[bytes, Refusal]] = []
    left_out = 0
    for raw in _items(body, dead):
        try:
            event = read_item(raw, now, edge.handling)
        except Refusal as refusal:
            dead.append((bytes(raw), refusal))
            continue
        if event is None:
            left_out += 1
        else:
            events.append(event)
    await edge.intake.accept(events)
    await edge.intake.send(dead_letters(edge.settings.topics.dead_letter, SOURCE, dead))
    _count(len(events), left_out, dead)
    return success()


def _items(body: bytes, dead: list[tuple[bytes, Refusal]]) -> list[msgspec.Raw]:
    """The items; a body that isn't an array at all goes to `dead` as a whole."""
    try:
        items = decode(_items_decoder, body)
        if len(items) > WEBHOOK_EVENTS:
            raise invalid("batch_too_long", f"A webhook may have {WEBHOOK_EVENTS} items.")
    except Refusal as refusal:
        dead.append((body, refusal))
        return []
    return items


def dead_letters(topic: str, source: str, dead: Sequence[tuple[bytes, Refusal]]) -> list[Record]:
    """Records with the original bytes; the headers say what was wrong. There is no original topic,
    partition or offset: these never were on one.
    """
    return [
        Record(
            topic,
            raw[:DEAD_LETTER_BYTES],
            headers=(
                ("x-original-topic", b""),
                ("x-source", source.encode()),
                ("x-error-class", refusal.code.encode()),
                ("x-error-message", f"{refusal.message} {refusal.path}".strip().encode()[:1024]),
                ("x-attempts", b"1"),
                *((("x-cut", b"true"),) if len(raw) > DEAD_LETTER_BYTES else ()),
            ),
        )
        for raw, refusal in dead
    ]


def _count(taken: int, left_out: int, dead: Sequence[tuple[bytes, Refusal]]) -> None:
    for outcome, number in (("taken", taken), ("left_out", left_out), ("dead_letter", len(dead))):
        if number:
            PROVIDER_ITEMS.labels(SOURCE, outcome).inc(number)
    if dead:
        codes = sorted({refusal.code for _, refusal in dead})
        log.warning("items in the dead letter", provider=SOURCE, items=len(dead), codes=codes)

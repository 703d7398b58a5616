"""GET /v1/pixel.gif: events of pages without scripts, and of opened emails."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

import structlog
from starlette.requests import Request
from starlette.responses import Response

from services.ingest.admission import admitted
from services.ingest.edge import arrival_of, edge_of, gpc_of, header
from services.ingest.flat_call import content_id, read_flat_call
from services.ingest.metrics import REJECTED
from services.ingest.normalise import Arrival, normalise
from services.ingest.privacy import count_withheld, why_withheld
from services.ingest.refusal import Refusal, invalid
from shared.envelope import Event

log = structlog.get_logger()

# A transparent GIF89a of 1 by 1 point, 43 bytes.
GIF: Final = bytes.fromhex(
    "4749463839610100010080000000000000000021f90401000000002c00000000010001000002024401003b"
)
PIXEL_HEADERS: Final = {
    "Cache-Control": "no-store, no-cache, must-revalidate, private, max-age=0",
    "Pragma": "no-cache",
    "Expires": "0",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Content-Type-Options": "nosniff",
}
# No honest address has more parameters.
PARAMETERS: Final = 100


async def pixel(request: Request) -> Response:
    """The image, whatever happens: what is refused is counted, and Kafka gets 2 s.

    A HEAD request looks at the image and counts as nothing.
    """
    if request.method != "HEAD":
        try:
            await _take(request)
        except Refusal as refusal:
            REJECTED.labels(refusal.code).inc()
        except Exception as error:  # noqa: BLE001 -- a broken image would show in people's pages
            REJECTED.labels("pixel_failed").inc()
            log.error("pixel_failed", error=type(error).__name__)  # noqa: TRY400 -- no addresses
    return Response(GIF, headers=PIXEL_HEADERS, media_type="image/gif")


async def _take(request: Request) -> None:
    edge, scope = edge_of(request), request.scope
    given = _parameters(scope["query_string"])
    sender = admitted(edge, scope, "pixel", given.get("writeKey", ""))
    if "url" not in given and (page := header(scope, b"referer")):
        given["url"] = page.decode("latin-1")
    event = pixel_event(given, arrival_of(scope, edge, sender))
    why = why_withheld(event, gpc=gpc_of(scope, sender))
    if why is not None:
        count_withheld({why: 1})
        return
    edge.rates.check_events(sender, (event,))
    await edge.intake.accept((event,))


def pixel_event(given: dict[str, str], arrival: Arrival) -> Event:
    """The event of a pixel's parameters. Raises Refusal (400).

    Without messageId, an email_… event has an id made of its parameters: the same address is in
    the same email to the same person, and counts once however often it is opened. Any other event
    has a random id: each time the image is shown counts.
    An email address is taken for email_… events alone: a mail provider knows it anyway, but the
    address of a page's image would carry it into logs and referrers.
    """
    kind, call = read_flat_call(given)
    if call.traits and not (call.event or "").startswith("email_"):
        raise invalid(
            "email_in_address", "An address may name an email for email_… events only.", "email"
        )
    if not call.message_id and (call.event or "").startswith("email_"):
        call.message_id = content_id(kind, call)
    return normalise(call, kind, arrival)


def _parameters(query: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(query.decode("latin-1"), max_num_fields=PARAMETERS)
    except ValueError:
        raise invalid("too_many_fields", f"The address may have {PARAMETERS} parameters.") from None
    return dict(pairs)

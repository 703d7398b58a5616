"""GET /o/TOKEN and /c/TOKEN: an image, or the way on, whatever happens; and an event."""

from __future__ import annotations

import time
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.ingest.edge import Edge, address_of, edge_of, header
from services.ingest.email_links import Link, is_address
from services.ingest.metrics import LINK_EVENTS_LOST, REJECTED
from services.ingest.pixel import GIF, PIXEL_HEADERS
from services.ingest.providers.contract import Reported
from services.ingest.providers.reading import event_of
from services.ingest.refusal import Refusal
from services.ingest.verdicts import machine_of
from shared.envelope import Event, Verdict, milliseconds
from shared.ids import derived_id

SOURCE: Final = "email-links"
EVENT_TYPES: Final = {"open": "email_opened", "click": "email_clicked", "trap": "email_link_trap"}
TRAP_REASON: Final = "followed a link that people don't see"
# Two looks within this time are one: browsers and proxies ask twice.
_SAME_MS: Final = 10_000
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Content-Security-Policy": "default-src 'none'",
}
_PAGE: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    "<title>{title}</title><p>{title}</p></html>"
)


async def opened(request: Request) -> Response:
    """The image. A HEAD looks at it and counts as nothing."""
    edge = edge_of(request)
    link = edge.links.read(request.path_params["token"])
    if link is None or link.kind != "open":
        REJECTED.labels("link_unknown").inc()
    elif request.method != "HEAD":
        await _tell(request, edge, link)
    return Response(GIF, headers=PIXEL_HEADERS, media_type="image/gif")


async def clicked(request: Request) -> Response:
    """The way on to the address in the token; no token of ours, no way anywhere."""
    edge = edge_of(request)
    link = edge.links.read(request.path_params["token"])
    leads_on = link is not None and link.kind == "click" and is_address(link.target)
    if link is None or (link.kind != "trap" and not leads_on):
        REJECTED.labels("link_unknown").inc()
        return HTMLResponse(_PAGE.format(title="This link doesn't lead anywhere."), 404, _HEADERS)
    if request.method != "HEAD":
        await _tell(request, edge, link)
    if link.kind == "trap":
        return HTMLResponse(_PAGE.format(title="Nothing to see here."), 200, _HEADERS)
    answer = RedirectResponse(link.target, 302, _HEADERS)
    # As it was signed: the framework would escape it once more.
    answer.headers["location"] = link.target
    return answer


async def _tell(request: Request, edge: Edge, link: Link) -> None:
    """The event to Kafka. A person who follows a link must arrive, so when Kafka is away the event
    is lost, and counted.
    """
    now_s = time.time()
    if link.expires_s and now_s > link.expires_s:
        REJECTED.labels("link_expired").inc()
        return
    try:
        event = link_event(request, edge, link)
        await edge.intake.accept((event,))
    except Refusal as refusal:
        LINK_EVENTS_LOST.labels(link.kind, refusal.code).inc()


def link_event(request: Request, edge: Edge, link: Link) -> Event:
    """The event of a link that was followed. Raises Refusal."""
    now = edge.now()
    scope = request.scope
    address = address_of(scope)
    told = {
        "provider_event": link.kind, "message_id": link.message_id, "campaign": link.campaign,
        "url": link.target,
    }  # fmt: skip
    properties = {name: value for name, value in told.items() if value}
    same = str(milliseconds(now) // _SAME_MS)
    reported = Reported(
        type=EVENT_TYPES[link.kind],
        id=derived_id(request.path_params["token"], same),
        email=link.email,
        user_id=link.user_id,
        properties=properties,
        user_agent=header(scope, b"user-agent").decode("latin-1"),
        ip=address,
        machine=machine_of(scope["headers"], address, edge.networks),
    )
    event = event_of(reported, SOURCE, now, edge.handling)
    if link.kind == "trap":
        return msgspec.structs.replace(event, verdict=Verdict("bot", TRAP_REASON))
    return event

"""POST /v1/forms/{form}: plain HTML forms and JSON, with the way back for browsers."""

from __future__ import annotations

from functools import lru_cache
from html import escape
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.ingest.admission import admitted
from services.ingest.body import read_body
from services.ingest.edge import arrival_of, edge_of, header
from services.ingest.form_call import form_event, form_name
from services.ingest.form_fields import Fields, read_fields
from services.ingest.identities import notes_of
from services.ingest.json_checks import check_document
from services.ingest.keys import Sender, key_in_authorization
from services.ingest.limits import FORM_BYTES
from services.ingest.metrics import REJECTED
from services.ingest.normalise import Call
from services.ingest.redirects import allowed_redirect, origins_in
from services.ingest.refusal import Refusal, invalid
from services.ingest.segment import success

_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>{title}</title>'
    "<h1>{title}</h1><p>{text}</p></html>"
)
_PAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'", "Cache-Control": "no-store"}
_origins_in = lru_cache(maxsize=8)(origins_in)
_context_decoder = msgspec.json.Decoder(dict[str, Any])


async def submit(request: Request) -> Response:
    """Take one submitted form.

    Answers 200 {"success": true} to programs; to browsers a redirect (303) to `_redirect`, or a
    short page. What is refused, the redirect included, is refused before anything is kept.
    """
    try:
        redirect, notes = await _take(request)
    except Refusal as refusal:
        if not _wants_page(request):
            raise
        REJECTED.labels(refusal.code).inc()
        return _refused_page(refusal)
    if redirect and not _is_json(header(request.scope, b"accept")):
        return RedirectResponse(redirect, status_code=303)
    if _wants_page(request):
        page = _PAGE.format(title="Thank you", text="Your answers have arrived.")
        return HTMLResponse(page, headers=_PAGE_HEADERS)
    return success(notes=notes)


async def _take(request: Request) -> tuple[str, list[dict[str, Any]]]:
    """Read, check and keep the form; the address to go on to, or "", and notes for the answer."""
    edge, scope = edge_of(request), request.scope
    form = form_name(request.path_params["form"])
    body = await read_body(scope, request.receive, FORM_BYTES)
    fields = await read_fields(header(scope, b"content-type").decode("latin-1"), body)
    sender = admitted(
        edge,
        scope,
        "forms",
        key_in_authorization(header(scope, b"authorization")),
        _text(fields, "writeKey"),
        request.query_params.get("writeKey", ""),
    )
    redirect = _text(fields, "_redirect")
    if redirect:
        redirect = allowed_redirect(redirect, _origins_in(edge.settings.redirect_origins))
    call = Call(context=_context(fields, header(scope, b"referer").decode("latin-1")))
    arrival = arrival_of(scope, edge, Sender(f"form:{form}", sender.public))
    event = form_event(form, fields, call, arrival)
    edge.rates.check_events(sender, (event,))
    await edge.intake.accept((event,))
    return redirect, notes_of(arrival.left_out)


def _context(fields: Fields, referer: str) -> dict[str, Any]:
    """The context in the hidden field `_context` (JSON, set by the beacon), else the page that
    the browser says it comes from.
    """
    given = fields.get("_context")
    if isinstance(given, str) and given.strip():
        try:
            given = _context_decoder.decode(given)
        except (msgspec.DecodeError, RecursionError):
            raise invalid("not_json", "_context must be a JSON object.", "_context") from None
    if isinstance(given, dict):
        check_document(given, "_context")
        return given
    return {"page": {"url": referer}} if referer else {}


def _text(fields: Fields, name: str) -> str:
    value = fields.get(name)
    return value.strip() if isinstance(value, str) else ""


def _is_json(accept: bytes) -> bool:
    return b"application/json" in accept


def _wants_page(request: Request) -> bool:
    """Browsers that submit a form ask for a page; programs ask for JSON or for anything."""
    return b"text/html" in header(request.scope, b"accept")


def _refused_page(refusal: Refusal) -> Response:
    where = f" ({refusal.path})" if refusal.path else ""
    page = _PAGE.format(
        title="This form could not be taken", text=escape(f"{refusal.message}{where}")
    )
    headers = dict(_PAGE_HEADERS)
    if refusal.retry_after:
        headers["Retry-After"] = str(refusal.retry_after)
    return HTMLResponse(page, status_code=refusal.status, headers=headers)

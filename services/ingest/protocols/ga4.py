"""Google Analytics 4's Measurement Protocol: one event of /mp/collect → a call. Pure.

Format: the Measurement Protocol's body, and the names of GA4's recommended events.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from services.ingest.normalise import Call
from services.ingest.protocols.contract import Read, content_hash, said

_NAMES: Final = {
    "page_view": "page_viewed",
    "screen_view": "page_viewed",
    "purchase": "purchase_made",
    "refund": "purchase_refunded",
    "file_download": "content_downloaded",
    "click": "link_clicked",
    "form_submit": "form_submitted",
    "generate_lead": "form_submitted",
    "video_start": "video_watched",
    "video_progress": "video_watched",
    "video_complete": "video_watched",
}
# What GA4 counts for itself, and says nothing about a person's interest.
_PASSED_OVER: Final = frozenset({
    "user_engagement", "session_start", "first_visit", "first_open", "scroll",
})  # fmt: skip
_PAGE: Final = {"page_location": "url", "page_title": "title", "page_referrer": "referrer"}
_ITEM: Final = {
    "item_id": "product_id", "item_name": "name", "item_category": "category",
    "item_brand": "brand", "item_variant": "variant",
}  # fmt: skip
_CAMPAIGN: Final = ("source", "medium", "campaign", "term", "content")
MOST_EVENTS: Final = 25


class GaEvent(msgspec.Struct):
    name: str
    params: dict[str, Any] = {}
    timestamp_micros: int | str | None = None


class GaBody(msgspec.Struct):
    """The body of /mp/collect. Events stay undecoded, so that one bad event spoils only itself."""

    events: list[msgspec.Raw]
    client_id: str | None = None
    app_instance_id: str | None = None
    user_id: str | None = None
    timestamp_micros: int | str | None = None
    user_properties: dict[str, Any] = {}
    user_agent: str | None = None
    ip_override: str | None = None


def ga4_call(body: GaBody, event: GaEvent) -> Read:
    """client_id is the visitor's id, user_id the user's; user_properties are traits. An event has
    no id of its own: with a timestamp or a transaction_id its content is one, so that it may be
    sent again.
    """
    if event.name in _PASSED_OVER:
        return None
    micros = event.timestamp_micros or body.timestamp_micros
    params = event.params
    page = said((name, params.get(key)) for key, name in _PAGE.items())
    campaign = said(
        ("name" if key == "campaign" else key, params.get(key))
        for key in _CAMPAIGN
        if event.name in ("page_view", "campaign_details")
    )
    used = {*_PAGE, *(_CAMPAIGN if campaign else ())}
    properties = {name: value for name, value in params.items() if name not in used}
    if isinstance(items := properties.get("items"), list):
        properties["items"] = [_item(one) for one in items]
    name = _NAMES.get(event.name, event.name)
    told = {
        "client": body.client_id, "app": body.app_instance_id, "user": body.user_id,
        "event": event.name, "at": micros, "params": sorted(params.items(), key=str),
    }  # fmt: skip
    repeatable = micros or params.get("transaction_id")
    call = Call(
        event=None if name == "page_viewed" else name,
        message_id=content_hash("ga4", told, frozenset()) if repeatable else None,
        user_id=body.user_id,
        anonymous_id=body.client_id or body.app_instance_id,
        timestamp=_milliseconds(micros),
        properties=properties,
        context=said([
            ("page", page or None), ("campaign", campaign or None), ("traits", _traits(body)),
            ("userAgent", body.user_agent), ("ip", body.ip_override),
        ]),
    )  # fmt: skip
    return ("page" if call.event is None else "track"), call


def _traits(body: GaBody) -> dict[str, Any] | None:
    """{"plan": {"value": "pro"}} as {"plan": "pro"}."""
    return {
        name: one.get("value") if isinstance(one, dict) else one
        for name, one in body.user_properties.items()
    } or None


def _item(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    return {_ITEM.get(name, name): value for name, value in given.items()}


def _milliseconds(micros: int | str | None) -> int | str | None:
    if isinstance(micros, str) and micros.isascii() and micros.isdigit() and len(micros) < 19:
        micros = int(micros)
    return micros // 1000 if isinstance(micros, int) else micros

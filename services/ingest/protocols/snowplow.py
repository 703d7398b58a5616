"""Snowplow's tracker protocol: one flat item of /i or tp2 → a call. Pure.

Format: the field names of Snowplow's tracker protocol; self-describing events as plain JSON
(ue_pr) or base64url (ue_px).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.ingest.json_checks import decode
from services.ingest.normalise import Call
from services.ingest.protocols.contract import Read, number, said
from services.ingest.refusal import invalid

# Page pings and the items of a transaction, which its total stands for.
_PASSED_OVER: Final = frozenset({"pp", "ti"})
# Of Snowplow's own schemas, by the name in the schema; others are called as they are.
_NAMES: Final = {
    "link_click": "link_clicked",
    "submit_form": "form_submitted",
    "file_download": "content_downloaded",
    "site_search": "site_searched",
    "play_event": "video_watched",
    "page_view": "page_viewed",
    "screen_view": "page_viewed",
}
_FIELDS: Final = {"targetUrl": "url", "formId": "form"}
_json: Final = msgspec.json.Decoder(dict[str, Any])


def snowplow_call(item: Mapping[str, str]) -> Read:
    """aid, the app id, is the write key; the user's id is uid, the visitor's duid, else nuid.
    Raises Refusal (400).
    """
    kind = item.get("e", "")
    if kind in _PASSED_OVER:
        return None
    event, properties = _what(kind, item)
    call = Call(
        event=event,
        message_id=item.get("eid") or item.get("tid"),
        user_id=item.get("uid"),
        anonymous_id=next((item[name] for name in ("duid", "nuid", "tnuid") if item.get(name)), ""),
        timestamp=_milliseconds(item.get("ttm") or item.get("dtm")),
        sent_at=_milliseconds(item.get("stm")),
        properties=properties,
        context=_context(item),
    )
    return ("page", call) if event is None else ("track", call)


def _what(kind: str, item: Mapping[str, str]) -> tuple[str | None, dict[str, Any]]:
    """(event, properties); no event for a page view."""
    if kind == "pv":
        return None, {}
    if kind == "se":
        return item.get("se_ac", ""), said([
            ("category", item.get("se_ca")), ("label", item.get("se_la")),
            ("property", item.get("se_pr")), ("value", number(item.get("se_va"))),
        ])  # fmt: skip
    if kind == "tr":
        return "purchase_made", said([
            ("order_id", item.get("tr_id")), ("amount", number(item.get("tr_tt"))),
            ("currency", item.get("tr_cu")),
        ])  # fmt: skip
    if kind == "ue":
        return _self_describing(item)
    raise invalid("type_unknown", "e is one of pv, se, ue, tr; pp and ti are passed over.", "e")


def _self_describing(item: Mapping[str, str]) -> tuple[str | None, dict[str, Any]]:
    path, text = "ue_pr", item.get("ue_pr", "").encode()
    if not text:
        path = "ue_px"
        given = item.get("ue_px", "").encode("ascii", "replace")
        try:
            text = base64.urlsafe_b64decode(given + b"=" * (-len(given) % 4))
        except (binascii.Error, ValueError):
            raise invalid("not_base64", "This is not base64url.", path) from None
    inside = decode(_json, text).get("data")
    if not isinstance(inside, dict):
        raise invalid("wrong_type", "A self-describing event has schema and data.", path)
    name = _schema_name(inside.get("schema"), path)
    data = inside.get("data")
    given_data: dict[str, Any] = data if isinstance(data, dict) else {}
    properties = {_FIELDS.get(key, key): value for key, value in given_data.items()}
    event = _NAMES.get(name, name)
    return (None if event == "page_viewed" else event), properties


def _schema_name(schema: object, path: str) -> str:
    """demo_requested of iglu:com.example/demo_requested/jsonschema/1-0-0."""
    parts = schema.split("/") if isinstance(schema, str) and schema.startswith("iglu:") else []
    if len(parts) != 4 or not parts[1]:
        raise invalid("schema_unreadable", "A schema is iglu:vendor/name/format/version.", path)
    return parts[1]


def _context(item: Mapping[str, str]) -> dict[str, Any]:
    page = said([
        ("url", item.get("url")), ("title", item.get("page")), ("referrer", item.get("refr")),
    ])  # fmt: skip
    return said([
        ("page", page or None), ("userAgent", item.get("ua")), ("ip", item.get("ip")),
        ("locale", item.get("lang")), ("timezone", item.get("tz")),
    ])  # fmt: skip


def _milliseconds(text: str | None) -> int | str | None:
    """Milliseconds since 1970 as a number; what is none is left for `normalise` to refuse."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else text

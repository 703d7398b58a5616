"""Matomo's tracking API: the parameters of one request of matomo.php → a call. Pure.

Format: the parameter names of Matomo's Tracking HTTP API.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from services.ingest.json_checks import decode
from services.ingest.normalise import Call
from services.ingest.protocols.contract import Read, content_hash, number, said
from services.ingest.refusal import Refusal, invalid

# A sender that tries again sends the same, but for these.
_NOT_CONTENT: Final = frozenset({"token_auth", "send_image", "queuedtracking", "idsite"})
# Heartbeats, impressions of content blocks, media analytics, performance figures.
_PASSED_OVER: Final = ("ping", "ma_id", "pf_net")
_list: Final = msgspec.json.Decoder(list[Any])
_ITEM: Final = ("sku", "name", "category", "price", "quantity")


def matomo_call(given: Mapping[str, str]) -> Read:
    """The user's id is uid, the visitor's cid or _id. A request has no id of its own: with `rand`
    or `cdt` its content is one, so that it may be sent again. Raises Refusal (400).
    """
    if given.get("rec") != "1":
        raise invalid("rec_missing", "A request that is to be kept has rec=1.", "rec")
    if any(given.get(name) for name in _PASSED_OVER) or ("c_n" in given and "c_i" not in given):
        return None
    event, properties = _what(given)
    for name, value in given.items():
        if name.startswith("dimension") and name[9:].isdigit():
            properties[name] = value
    repeatable = given.get("rand") or given.get("cdt")
    call = Call(
        event=event,
        message_id=content_hash("matomo", given, _NOT_CONTENT) if repeatable else None,
        user_id=given.get("uid"),
        anonymous_id=given.get("cid") or given.get("_id"),
        timestamp=_moment(given.get("cdt")),
        properties=properties,
        context=_context(given),
    )
    return ("page", call) if event is None else ("track", call)


def _what(given: Mapping[str, str]) -> tuple[str | None, dict[str, Any]]:
    """(event, properties); no event for a page view."""
    if "ec_id" in given or given.get("idgoal") == "0":
        return _order(given)
    if "idgoal" in given:
        return "goal_reached", said([
            ("goal", given["idgoal"]), ("revenue", number(given.get("revenue"))),
        ])  # fmt: skip
    if "download" in given:
        return "content_downloaded", {"url": given["download"]}
    if "link" in given:
        return "link_clicked", {"url": given["link"]}
    if "search" in given:
        return "site_searched", said([
            ("query", given["search"]), ("category", given.get("search_cat")),
            ("results", number(given.get("search_count"))),
        ])  # fmt: skip
    if "c_i" in given:
        return "link_clicked", said([
            ("content", given.get("c_n")), ("url", given.get("c_t")),
            ("interaction", given["c_i"]),
        ])  # fmt: skip
    if "e_a" in given or "e_c" in given:
        return given.get("e_a", ""), said([
            ("category", given.get("e_c")), ("name", given.get("e_n")),
            ("value", number(given.get("e_v"))),
        ])  # fmt: skip
    return None, {}


def _order(given: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """A purchase; without an order's number, what is in the cart."""
    properties = said([
        ("order_id", given.get("ec_id")), ("amount", number(given.get("revenue"))),
    ])  # fmt: skip
    if given.get("ec_items"):
        items = [
            dict(zip(_ITEM, item, strict=False)) if isinstance(item, list) else item
            for item in decode(_list, given["ec_items"].encode())
        ]
        properties["items"] = items
    return ("purchase_made" if "ec_id" in given else "cart_updated"), properties


def _context(given: Mapping[str, str]) -> dict[str, Any]:
    page = said([
        ("url", given.get("url")), ("title", given.get("action_name")),
        ("referrer", given.get("urlref")),
    ])  # fmt: skip
    campaign = said([("name", given.get("_rcn")), ("term", given.get("_rck"))])
    return said([
        ("page", page or None), ("campaign", campaign or None), ("userAgent", given.get("ua")),
        ("ip", given.get("cip")), ("locale", given.get("lang")),
    ])  # fmt: skip


def _moment(text: str | None) -> int | str | None:
    """cdt: seconds since 1970, or 2026-05-04 09:00:00 in UTC."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 12:
        return int(text)
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).isoformat()
    except ValueError:
        raise _no_moment() from None


def _no_moment() -> Refusal:
    return invalid("timestamp_unreadable", "cdt is 2026-05-04 09:00:00 or seconds.", "cdt")

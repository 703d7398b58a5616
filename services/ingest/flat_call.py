"""A call written as a flat list of names and values: of the pixel, and of urlencoded beacons."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from services.ingest.normalise import KINDS, Call
from shared.event_types import event_type_named

_PAGE = ("url", "title", "referrer")
_UTM = "utm_"
_PROPERTY = "p."
# Campaign names as they stand in the envelope; utm_campaign is its name.
_CAMPAIGN_NAME = "campaign"


def read_flat_call(given: Mapping[str, str]) -> tuple[str, Call]:
    """(kind, call) of the parameters type, event, anonymousId, userId, email, messageId,
    timestamp, url, title, referrer, campaign, utm_… and p.NAME (properties); others don't matter.

    type: a kind of call ("track", with `event`) or the name of an event; page_viewed if missing.
    """
    kind, event = _kind_and_event(given.get("type", ""), given.get("event"))
    email = given.get("email")
    properties = {
        name.removeprefix(_PROPERTY): value
        for name, value in given.items()
        if name.startswith(_PROPERTY) and len(name) > len(_PROPERTY)
    }
    return kind, Call(
        event=event,
        message_id=given.get("messageId"),
        user_id=given.get("userId"),
        anonymous_id=given.get("anonymousId"),
        timestamp=given.get("timestamp"),
        sent_at=given.get("sentAt"),
        properties=properties,
        traits={"email": email} if email else None,
        context=_context(given),
        write_key=given.get("writeKey"),
    )


def content_id(kind: str, call: Call) -> str:
    """An event id made of what the call says, so that the same address always means one event."""
    page = (call.context or {}).get("page", {})
    said: list[Any] = [kind, call.event, call.user_id, call.anonymous_id, call.timestamp]
    for table in (call.traits, call.properties, page, (call.context or {}).get("campaign")):
        said.extend(sorted((table or {}).items()))
    return "flat-" + hashlib.sha256(repr(said).encode("utf-8", "replace")).hexdigest()[:32]


def _kind_and_event(given: str, event: str | None) -> tuple[str, str | None]:
    if given in KINDS:
        return given, event_type_named(event) if event else None
    event_type = event_type_named(given or "page_viewed")
    return ("page", None) if event_type == "page_viewed" else ("track", event_type)


def _context(given: Mapping[str, str]) -> dict[str, Any]:
    context: dict[str, Any] = {}
    page = {name: given[name] for name in _PAGE if given.get(name)}
    campaign = {
        name.removeprefix(_UTM): value
        for name, value in given.items()
        if name.startswith(_UTM) and value
    }
    if name := campaign.pop(_CAMPAIGN_NAME, "") or given.get(_CAMPAIGN_NAME, ""):
        campaign["name"] = name
    if page:
        context["page"] = page
    if campaign:
        context["campaign"] = campaign
    return context

"""SendGrid's Event Webhook: from an item of its array to an event."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec

from services.ingest.crawlers import judge_user_agent
from services.ingest.handling import Handling
from services.ingest.json_checks import check_document, decode
from services.ingest.limits import EVENT_BYTES
from services.ingest.refusal import Refusal, invalid
from services.ingest.surroundings import kept_context
from services.ingest.timestamps import corrected, read_timestamp
from shared.envelope import Event, Identifiers, Verdict

SOURCE = "sendgrid"

# SendGrid's name of an event: ours; None for what we know and leave out.
EVENT_TYPES: dict[str, str | None] = {
    "delivered": "email_delivered",
    "open": "email_opened",
    "click": "email_clicked",
    "bounce": "email_bounced",
    "dropped": "email_bounced",
    "spamreport": "email_complained",
    "unsubscribe": "email_unsubscribed",
    "group_unsubscribe": "email_unsubscribed",
    "processed": None,
    "deferred": None,
    "group_resubscribe": None,
    "account_status_change": None,
}

# SendGrid's own keys that are kept elsewhere or not at all. Every other key of an item is a custom
# argument or a detail worth having, and goes to the properties as it is.
_NOT_PROPERTIES = frozenset({
    "email", "event", "timestamp", "ip", "useragent", "sg_machine_open", "smtp-id", "tls",
    "cert_err", "pool", "url_offset", "sg_content_type", "send_at", "newsletter",
})  # fmt: skip
_RENAMED = {"type": "bounce_type"}

_item_decoder = msgspec.json.Decoder(dict[str, Any])


def read_item(raw: bytes | msgspec.Raw, now: datetime, handling: Handling) -> Event | None:
    """The event of one item, or None for a kind that is left out. Raises Refusal when it can't be
    read: not an object, no recipient, no time, an unknown kind.
    """
    if len(memoryview(raw)) > EVENT_BYTES:
        raise Refusal(413, "too_large", f"An item may have {EVENT_BYTES} bytes.")
    item = decode(_item_decoder, raw)
    check_document(item, "item")
    kind = item.get("event")
    if not isinstance(kind, str) or kind not in EVENT_TYPES:
        raise invalid("event_unknown", "The item's event is none that we know.", "event")
    event_type = EVENT_TYPES[kind]
    if event_type is None:
        return None
    recipient = item.get("email")
    email = handling.forms.email(recipient) if isinstance(recipient, str) else None
    if email is None:
        raise invalid("email_invalid", "The item names no valid recipient.", "email")
    user_agent = _text(item, "useragent")
    # The page of a click stands in the properties; of the context only its campaign is kept.
    page = {"page": {"url": _text(item, "url")}}
    context = kept_context(page, {}, user_agent, _text(item, "ip"), handling)
    context.pop("page", None)
    return Event(
        id=event_id(item, kind),
        source=SOURCE,
        type=event_type,
        occurred_at=_occurred(item, now),
        received_at=now,
        identifiers=Identifiers(email=email),
        properties=handling.kept(_properties(item, kind), "properties"),
        context=context,
        verdict=_verdict(item, user_agent),
    )


def event_id(item: dict[str, Any], kind: str) -> str:
    """SHA-256 of message, recipient, kind, time and url, cut to 40 hex digits: SendGrid's own id
    differs when it posts the same thing again.
    """
    parts = (
        str(item.get("sg_message_id") or item.get("smtp-id") or ""),
        str(item.get("email") or "").strip().lower(),
        kind,
        str(item.get("timestamp") or ""),
        str(item.get("url") or ""),
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]


def _occurred(item: dict[str, Any], now: datetime) -> datetime:
    given = item.get("timestamp")
    if isinstance(given, str) and given.isdigit() and len(given) < 15:
        given = int(given)
    return corrected(read_timestamp(given, "timestamp"), None, now, "timestamp")


def _properties(item: dict[str, Any], kind: str) -> dict[str, Any]:
    kept = {
        _RENAMED.get(name, name): value
        for name, value in item.items()
        if name not in _NOT_PROPERTIES
    }
    if isinstance(kept.get("category"), str):
        kept["category"] = [kept["category"]]
    kept["provider_event"] = kind
    return kept


def _verdict(item: dict[str, Any], user_agent: str) -> Verdict:
    machine = item.get("sg_machine_open")
    if machine is True or (isinstance(machine, str) and machine.lower() == "true"):
        return Verdict("bot", "machine open")
    return judge_user_agent(user_agent)


def _text(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    return value if isinstance(value, str) else ""

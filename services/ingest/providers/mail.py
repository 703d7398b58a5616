"""What the mail providers have in common: one event of one mail to one person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from services.ingest.providers.contract import Reported

# Keys of what a sender gave along with a mail; its members become properties of their own.
_RESERVED = frozenset({
    "message_id", "provider_event", "url", "bounce_type", "reason", "subject", "tags",
})  # fmt: skip


def mail(
    kind: str,
    event_type: str,
    *,
    at: object,
    at_path: str,
    email: str,
    email_path: str = "email",
    message_id: str = "",
    url: str = "",
    bounce: str = "",
    reason: str = "",
    subject: str = "",
    tags: object = None,
    custom: object = None,
    own_id: str = "",
    user_id: str = "",
    user_agent: str = "",
    ip: str = "",
    machine: str = "",
) -> Reported:
    """The event. kind: the provider's name of it · bounce: hard, soft or blocked · tags: one, or a
    list · custom: what the sender gave along, an object or the JSON of one · own_id: the provider's
    id of the event, if it is the same at every try; without it the event is this one by message,
    recipient, kind, time and url.
    """
    properties: dict[str, Any] = {
        name: value
        for name, value in _custom(custom).items()
        if name not in _RESERVED and value not in ("", None)
    }
    told = {
        "provider_event": kind, "message_id": message_id, "url": url, "bounce_type": bounce,
        "reason": reason, "subject": subject,
        "tags": [tags] if isinstance(tags, str) and tags else tags,
    }  # fmt: skip
    properties |= {name: value for name, value in told.items() if value}
    return Reported(
        type=event_type,
        at=at if at is not None else "",
        at_path=at_path,
        id=own_id,
        key=(message_id, email.strip().lower(), kind, str(at), url),
        email=email,
        email_path=email_path,
        user_id=user_id,
        properties=properties,
        user_agent=user_agent,
        ip=ip,
        machine=machine,
    )


def number_at(value: object) -> object:
    """A moment whose number came as text ("1716490000") as a number; anything else as it is."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 15:
        return int(value)
    return value


def _custom(given: object) -> Mapping[str, Any]:
    if isinstance(given, str) and given.lstrip()[:1] == "{":
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return {"custom": given}
    if isinstance(given, str) and given:
        return {"custom": given}
    return given if isinstance(given, dict) else {}

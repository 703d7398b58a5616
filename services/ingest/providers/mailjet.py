"""Mailjet: one object, or an array when grouped; a credential."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.ingest.providers.contract import Account, Delivery, Provider, Reported
from services.ingest.providers.items import kind_of, single_or_array, text
from services.ingest.providers.mail import mail
from services.ingest.providers.proofs import check_credential

EVENT_TYPES: dict[str, str | None] = {
    "sent": "email_delivered",
    "open": "email_opened",
    "click": "email_clicked",
    "bounce": "email_bounced",
    "blocked": "email_bounced",
    "spam": "email_complained",
    "unsub": "email_unsubscribed",
}


def verify(delivery: Delivery, secret: str, _account: Account) -> None:
    """Whoever knows the secret."""
    check_credential(delivery, secret)


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """One event."""
    kind, event_type = kind_of(item, EVENT_TYPES, "event")
    bounce = ""
    if event_type == "email_bounced":
        bounce = "hard" if item.get("hard_bounce") is True else "soft"
        if kind == "blocked" or item.get("blocked") is True:
            bounce = "blocked"
    return (
        mail(
            kind,
            event_type,
            at=item.get("time"),
            at_path="time",
            email=text(item, "email"),
            # A number beyond what JavaScript can tell apart: it stays its digits.
            message_id=text(item, "Message_GUID") or text(item, "MessageID"),
            url=text(item, "url"),
            bounce=bounce,
            reason=text(item, "error"),
            custom=item.get("Payload") or {"custom_id": text(item, "CustomID")},
            user_agent=text(item, "agent"),
            ip=text(item, "ip"),
        ),
    )


PROVIDER = Provider(
    name="mailjet",
    title="Mailjet",
    verify=verify,
    split=single_or_array,
    read=read,
    proof="user:password of the address",
    signature="credential",
    batch="one, or array",
    dedupe="kind, message, recipient, time, link",
    machine_open="none",
    retries="every 30 s for 24 h, then never again; 200 alone will do",
    tested_with="documented payloads",
)

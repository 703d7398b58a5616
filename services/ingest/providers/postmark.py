"""Postmark: one object a post, no signature; basic auth or a header of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.ingest.providers.contract import Account, Delivery, Provider, Reported
from services.ingest.providers.items import kind_of, single, text
from services.ingest.providers.mail import mail
from services.ingest.providers.proofs import check_credential

EVENT_TYPES: dict[str, str | None] = {
    "Delivery": "email_delivered",
    "Bounce": "email_bounced",
    "SpamComplaint": "email_complained",
    "Open": "email_opened",
    "Click": "email_clicked",
    "SubscriptionChange": "email_unsubscribed",
    "SMTPApiError": None,
    "Inbound": None,
}
_TIMES = {
    "Delivery": "DeliveredAt",
    "Bounce": "BouncedAt",
    "SpamComplaint": "BouncedAt",
    "SubscriptionChange": "ChangedAt",
}
_SUPPRESSED = {"HardBounce": "email_bounced", "SpamComplaint": "email_complained"}
_HARD = frozenset({"HardBounce", "BadEmailAddress", "ManuallyDeactivated"})


def verify(delivery: Delivery, secret: str, _account: Account) -> None:
    """Whoever knows the secret."""
    check_credential(delivery, secret)


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """One event."""
    kind, event_type = kind_of(item, EVENT_TYPES, "RecordType")
    at_path = _TIMES.get(kind, "ReceivedAt")
    bounce = ""
    if kind == "SubscriptionChange":
        if item.get("SuppressSending") is not True:
            event_type = "email_resubscribed"
        else:
            event_type = _SUPPRESSED.get(text(item, "SuppressionReason"), event_type)
        bounce = "hard" if event_type == "email_bounced" else ""
    elif kind == "Bounce":
        bounce = "hard" if text(item, "Type") in _HARD else "soft"
    if not event_type:
        return ()
    email_path = "Email" if kind in ("Bounce", "SpamComplaint") else "Recipient"
    return (
        mail(
            kind,
            event_type,
            at=item.get(at_path),
            at_path=at_path,
            email=text(item, email_path),
            email_path=email_path,
            message_id=text(item, "MessageID"),
            url=text(item, "OriginalLink"),
            bounce=bounce,
            reason=text(item, "Description"),
            subject=text(item, "Subject"),
            tags=text(item, "Tag"),
            custom=item.get("Metadata"),
            user_agent=text(item, "UserAgent"),
            ip=text(item, "Geo", "IP"),
        ),
    )


PROVIDER = Provider(
    name="postmark",
    title="Postmark",
    verify=verify,
    split=single,
    read=read,
    proof="user:password of the address, or the value of the header X-Webhook-Token",
    signature="credential",
    batch="one",
    dedupe="kind, message, recipient, time, link",
    machine_open="none",
    retries="for 10 h; 401, never 403, which would end them",
    tested_with="documented payloads",
)

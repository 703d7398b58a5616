"""Customer.io reporting webhooks: HMAC over version, time and body; one event a post."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.ingest.providers.contract import Account, Delivery, Provider, Reported
from services.ingest.providers.items import kind_of, single, text
from services.ingest.providers.mail import mail
from services.ingest.providers.proofs import check_same, check_window, hex_hmac

SIGNATURE_HEADER = "x-cio-signature"
TIMESTAMP_HEADER = "x-cio-timestamp"
# It tries again for seven days, perhaps with the first signature.
WINDOW_SECONDS = 8 * 86_400

# Of mails and of people. What it tells of other channels is left out.
EVENT_TYPES: dict[str, str | None] = {
    "delivered": "email_delivered",
    "opened": "email_opened",
    "human_opened": None,
    "clicked": "email_clicked",
    "human_clicked": None,
    "bounced": "email_bounced",
    "spammed": "email_complained",
    "unsubscribed": "email_unsubscribed",
    "subscribed": "email_resubscribed",
    "cio_subscription_preferences_changed": None,
    "drafted": None,
    "attempted": None,
    "sent": None,
    "converted": None,
    "dropped": None,
    "deferred": None,
    "failed": None,
    "undeliverable": None,
}
_ABOUT = frozenset({"email", "customer"})


def verify(delivery: Delivery, secret: str, account: Account) -> None:
    """Hex of HMAC-SHA256 over "v0:", the time, ":" and the raw body."""
    at = delivery.headers.get(TIMESTAMP_HEADER, "")
    signed = f"v0:{at}:".encode("utf-8", "replace") + delivery.body
    given = delivery.headers.get(SIGNATURE_HEADER, "")
    check_same(given, hex_hmac(secret, signed), SIGNATURE_HEADER)
    window = account.seconds("window_seconds", WINDOW_SECONDS)
    check_window(at, delivery.received_at, window)


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """One event."""
    if text(item, "object_type") not in _ABOUT:
        return ()
    kind, event_type = kind_of(item, EVENT_TYPES, "metric")
    if not event_type:
        return ()
    data = item.get("data")
    data = data if isinstance(data, dict) else {}
    campaigns = ("campaign_id", "broadcast_id", "newsletter_id", "action_id", "link_id")
    return (
        mail(
            kind,
            event_type,
            at=item.get("timestamp"),
            at_path="timestamp",
            email=text(data, "recipient") or text(data, "identifiers", "email"),
            email_path="data.recipient",
            user_id=text(data, "identifiers", "id") or text(data, "customer_id"),
            message_id=text(data, "delivery_id"),
            url=text(data, "href"),
            bounce="hard" if event_type == "email_bounced" else "",
            reason=text(data, "failure_message"),
            subject=text(data, "subject"),
            custom={name: data[name] for name in campaigns if data.get(name)},
            own_id=text(item, "event_id"),
        ),
    )


PROVIDER = Provider(
    name="customerio",
    title="Customer.io",
    verify=verify,
    split=single,
    read=read,
    proof="the signing key that Customer.io shows beside the webhook",
    options={"window_seconds": "how far the signed time may be from now (691200; 0: not checked)"},
    signature="HMAC-SHA256 over time and raw body",
    batch="one",
    dedupe="`event_id`",
    machine_open="none",
    retries="for 7 days; others wait behind one that fails; 200 within 4 s",
    tested_with="documented payloads",
)

"""Brevo: one object, an array, or {"events": […]}; a credential; machine opens by their name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.ingest.providers.contract import Account, Delivery, Provider, Reported
from services.ingest.providers.items import array_in, kind_of, single_or_array, text
from services.ingest.providers.mail import mail
from services.ingest.providers.proofs import check_credential

EVENT_TYPES: dict[str, str | None] = {
    "delivered": "email_delivered",
    "opened": "email_opened",
    "unique_opened": "email_opened",
    "proxy_open": "email_opened",
    "unique_proxy_open": "email_opened",
    "click": "email_clicked",
    "hard_bounce": "email_bounced",
    "soft_bounce": "email_bounced",
    "blocked": "email_bounced",
    "invalid_email": "email_bounced",
    "spam": "email_complained",
    "complaint": "email_complained",
    "unsubscribe": "email_unsubscribed",
    "unsubscribed": "email_unsubscribed",
    "request": None,
    "deferred": None,
    "error": None,
    "list_addition": None,
    "contact_updated": None,
    "contact_deleted": None,
}
# An opening may come under two names, for the first time and for any: they are one event.
_SAME = {"unique_opened": "opened", "unique_proxy_open": "proxy_open"}
_BOUNCES = {
    "hard_bounce": "hard", "invalid_email": "hard", "soft_bounce": "soft", "blocked": "blocked",
}  # fmt: skip


def verify(delivery: Delivery, secret: str, _account: Account) -> None:
    """Whoever knows the secret."""
    check_credential(delivery, secret)


def split(delivery: Delivery, account: Account) -> Sequence[bytes | Any]:
    """The items, batched or not."""
    body = delivery.body
    if body.lstrip()[:1] == b"{" and b'"events"' in body[:200]:
        return array_in(body, "events")
    return single_or_array(delivery, account)


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """One event. Its `id` is the webhook's, not the event's."""
    kind, event_type = kind_of(item, EVENT_TYPES, "event")
    if not event_type:
        return ()
    # ts and date are in the account's own time zone. ts_epoch is missing here and there.
    at_path = next((name for name in ("ts_event", "ts_epoch") if item.get(name)), "ts_event")
    kind = _SAME.get(kind, kind)
    return (
        mail(
            kind,
            event_type,
            at=item.get(at_path),
            at_path=at_path,
            email=text(item, "email"),
            message_id=text(item, "message-id").strip("<>"),
            url=text(item, "link"),
            bounce=_BOUNCES.get(kind, ""),
            reason=text(item, "reason"),
            subject=text(item, "subject"),
            tags=item.get("tags") or item.get("tag"),
            custom=item.get("X-Mailin-custom"),
            user_agent=text(item, "user_agent"),
            ip=text(item, "ip"),
            machine="machine open" if kind == "proxy_open" else "",
        ),
    )


PROVIDER = Provider(
    name="brevo",
    title="Brevo",
    verify=verify,
    split=split,
    read=read,
    proof="user:password of the address, or the token of the webhook's authentication",
    signature="credential",
    batch="one, array, or `events`",
    dedupe="kind, message, recipient, time, link",
    machine_open="`proxy_open`, `unique_proxy_open`",
    retries="4 within 11 h, after no answer or 429 alone: 4xx and 5xx would lose the event",
    tested_with="documented payloads",
)

"""Resend: Standard Webhooks under Svix's names; one event a post."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from services.ingest.providers.contract import (
    Account,
    Delivery,
    Provider,
    Reported,
    missing,
    wrong,
)
from services.ingest.providers.items import kind_of, single, text
from services.ingest.providers.mail import mail
from services.ingest.providers.proofs import base64_hmac, check_window, same

# Its own libraries allow five minutes; every try is signed anew.
WINDOW_SECONDS = 300

EVENT_TYPES: dict[str, str | None] = {
    "email.delivered": "email_delivered",
    "email.opened": "email_opened",
    "email.clicked": "email_clicked",
    "email.bounced": "email_bounced",
    "email.complained": "email_complained",
    "contact.updated": "email_unsubscribed",
    "email.sent": None,
    "email.delivery_delayed": None,
    "email.failed": None,
    "email.received": None,
    "email.scheduled": None,
    "email.suppressed": None,
    "contact.created": None,
    "contact.deleted": None,
    "domain.created": None,
    "domain.updated": None,
    "domain.deleted": None,
}
# Which of several recipients opened or clicked nobody can know.
_OF_ONE_PERSON = frozenset({"email_opened", "email_clicked"})
_SOFT = frozenset({"Transient", "Undetermined"})


def _header(delivery: Delivery, name: str) -> str:
    return delivery.headers.get(f"svix-{name}") or delivery.headers.get(f"webhook-{name}") or ""


def signing_key(secret: str) -> bytes:
    """The key of a secret such as whsec_…; padding may be missing. Raises ValueError."""
    packed = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the secret is whsec_ and base64: copy it whole") from None
    if not key:
        raise ValueError("the secret is empty")
    return key


def verify_standard(delivery: Delivery, secret: str, window_seconds: int) -> None:
    """Standard Webhooks: any of the v1 signatures over id, time and body. Raises Refusal (401)."""
    message_id, at = _header(delivery, "id"), _header(delivery, "timestamp")
    signatures = _header(delivery, "signature")
    if not (message_id and at and signatures):
        raise missing("svix-id, svix-timestamp and svix-signature")
    signed = f"{message_id}.{at}.".encode("utf-8", "replace") + delivery.body
    expected = base64_hmac(signing_key(secret), signed)
    given = [one.partition(",") for one in signatures.split(" ")[:10]]
    if not any(version == "v1" and same(value, expected) for version, _, value in given):
        raise wrong()
    check_window(at, delivery.received_at, window_seconds)


def verify(delivery: Delivery, secret: str, account: Account) -> None:
    """See verify_standard."""
    verify_standard(delivery, secret, account.seconds("window_seconds", WINDOW_SECONDS))


def _check_secret(secret: str) -> None:
    signing_key(secret)


def read(item: dict[str, Any], delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """An event for each recipient of the mail; none of an opening that may be anybody's."""
    kind, event_type = kind_of(item, EVENT_TYPES, "type")
    data = item.get("data")
    data = data if isinstance(data, dict) else {}
    if kind == "contact.updated" and data.get("unsubscribed") is not True:
        return ()
    if not event_type:
        return ()
    to = data.get("to")
    people = [to] if isinstance(to, str) else to if isinstance(to, list) else [data.get("email")]
    if event_type in _OF_ONE_PERSON and len(people) != 1:
        return ()
    sent = _header(delivery, "id")
    bounce = ""
    if event_type == "email_bounced":
        bounce = "soft" if text(data, "bounce", "type") in _SOFT else "hard"
    return [
        mail(
            kind,
            event_type,
            at=item.get("created_at"),
            at_path="created_at",
            email=person if isinstance(person, str) else "",
            email_path=f"data.to[{place}]",
            message_id=text(data, "email_id"),
            url=text(data, "click", "link"),
            bounce=bounce,
            reason=text(data, "bounce", "message"),
            subject=text(data, "subject"),
            custom=_tags(data.get("tags")),
            own_id=f"{sent}#{place}" if place else sent,
            user_agent=text(data, "click", "userAgent"),
            ip=text(data, "click", "ipAddress"),
        )
        for place, person in enumerate(people[:100])
    ]


def _tags(given: object) -> object:
    """Its tags are pairs: an object, or a list of {"name", "value"}."""
    if isinstance(given, list):
        return {text(one, "name"): text(one, "value") for one in given if isinstance(one, dict)}
    return given


PROVIDER = Provider(
    name="resend",
    title="Resend",
    verify=verify,
    split=single,
    read=read,
    check_secret=_check_secret,
    proof="the signing secret that Resend shows beside the webhook (whsec_…)",
    options={"window_seconds": "how far the signed time may be from now (300; 0: not checked)"},
    signature="Standard Webhooks (`svix-…`)",
    batch="one",
    dedupe="`svix-id` and the recipient's place",
    machine_open="none",
    retries="8 within 27 h, signed anew; 200 within 15 s",
    tested_with="standardwebhooks",
)

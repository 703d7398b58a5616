"""SendGrid's Event Webhook: ECDSA over P-256, arrays of items, machine opens marked."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.ingest.providers.contract import (
    Account,
    Delivery,
    Provider,
    Reported,
    from_base64,
    missing,
    wrong,
)
from services.ingest.providers.items import array, kind_of, text
from services.ingest.providers.proofs import check_window

SIGNATURE_HEADER = "x-twilio-email-event-webhook-signature"
TIMESTAMP_HEADER = "x-twilio-email-event-webhook-timestamp"
# SendGrid tries again for 24 hours, perhaps with the first signature.
WINDOW_SECONDS = 26 * 3600

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


def verify(delivery: Delivery, secret: str, account: Account) -> None:
    """Base64 of an ASN.1 signature with SHA-256 over the timestamp and the raw body."""
    signature = delivery.headers.get(SIGNATURE_HEADER, "")
    timestamp = delivery.headers.get(TIMESTAMP_HEADER, "")
    if not signature or not timestamp:
        raise missing(f"{SIGNATURE_HEADER} and {TIMESTAMP_HEADER}")
    message = timestamp.encode("utf-8", "replace") + delivery.body
    try:
        read_public_key(secret).verify(from_base64(signature), message, ECDSA(SHA256()))
    except InvalidSignature:
        raise wrong() from None
    window = account.seconds("window_seconds", WINDOW_SECONDS)
    check_window(timestamp, delivery.received_at, window)


@lru_cache(maxsize=256)
def read_public_key(secret: str) -> EllipticCurvePublicKey:
    """The verification key as SendGrid shows it: base64 of DER (SubjectPublicKeyInfo), with or
    without PEM armour. Raises ValueError that says what is wrong.
    """
    lines = [line.strip() for line in secret.strip().splitlines()]
    packed = "".join(line for line in lines if not line.startswith("-----"))
    try:
        der = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the public key is not base64; copy it whole from SendGrid") from None
    try:
        key = load_der_public_key(der)
    except Exception as error:
        raise ValueError(
            "the public key can't be read: it must be the verification key that SendGrid shows "
            "under Mail Settings, Event Webhook (it begins with MFkw)"
        ) from error
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError(  # noqa: TRY004
            "the public key is not an elliptic curve key on P-256"
        )
    return key


def _check_secret(secret: str) -> None:
    read_public_key(secret)


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """One event of an item; none for a kind that says nothing of a person."""
    kind, event_type = kind_of(item, EVENT_TYPES, "event")
    if not event_type:
        return ()
    message_id = text(item, "sg_message_id") or text(item, "smtp-id")
    at = item.get("timestamp")
    if isinstance(at, str) and at.isdigit() and len(at) < 15:
        at = int(at)
    # SendGrid's own id differs when it posts the same thing again.
    key = (message_id, text(item, "email").strip().lower(), kind, text(item, "timestamp"),
           text(item, "url"))  # fmt: skip
    return (
        Reported(
            type=event_type,
            at=at if at is not None else "",
            at_path="timestamp",
            key=key,
            email=text(item, "email"),
            properties=_properties(item, kind, message_id),
            user_agent=text(item, "useragent"),
            ip=text(item, "ip"),
            machine="machine open" if _is_true(item.get("sg_machine_open")) else "",
        ),
    )


def _properties(item: dict[str, Any], kind: str, message_id: str) -> dict[str, Any]:
    kept = {
        _RENAMED.get(name, name): value
        for name, value in item.items()
        if name not in _NOT_PROPERTIES
    }
    if isinstance(kept.get("category"), str):
        kept["category"] = [kept["category"]]
    kept["provider_event"] = kind
    if message_id:
        kept["message_id"] = message_id
    return kept


def _is_true(flag: object) -> bool:
    """Some accounts send it as a text."""
    return flag is True or (isinstance(flag, str) and flag.lower() == "true")


PROVIDER = Provider(
    name="sendgrid",
    title="SendGrid (Twilio)",
    verify=verify,
    split=array,
    read=read,
    proof="the verification key that SendGrid shows under Mail Settings, Event Webhook",
    check_secret=_check_secret,
    options={"window_seconds": "how far the signed time may be from now (93600; 0: not checked)"},
    signature="ECDSA P-256 over time and raw body",
    batch="array",
    dedupe="message, recipient, kind, time, url",
    machine_open="`sg_machine_open`",
    retries="for 24 h; new `sg_event_id` each time",
    tested_with="vector of sendgrid-python",
)

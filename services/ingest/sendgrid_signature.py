"""SendGrid's signature: ECDSA over P-256 with SHA-256 of timestamp and raw body."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from services.ingest.refusal import Refusal
from shared.envelope import milliseconds

SIGNATURE_HEADER = b"x-twilio-email-event-webhook-signature"
TIMESTAMP_HEADER = b"x-twilio-email-event-webhook-timestamp"


def read_public_key(text: str) -> EllipticCurvePublicKey:
    """The verification key as SendGrid shows it: base64 of DER (SubjectPublicKeyInfo), with or
    without PEM armour. Raises ValueError that says what is wrong.
    """
    lines = [line.strip() for line in text.strip().splitlines()]
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


def check_signature(
    keys: list[EllipticCurvePublicKey],
    signature: bytes,
    timestamp: bytes,
    body: bytes,
    now: datetime,
    window_seconds: int,
) -> None:
    """Return when any key signed this body; else raise Refusal (401).

    window_seconds: how far the signed timestamp (seconds since 1970) may be from `now`; 0 turns
    the check off.
    """
    if not keys:
        raise Refusal(401, "source_not_configured", "No public key is configured for this source.")
    if not signature or not timestamp:
        raise Refusal(401, "signature_missing", "The request is not signed.")
    try:
        decoded = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(401, "signature_wrong", "The signature is not base64.") from None
    if not any(_signed_by(key, decoded, timestamp + body) for key in keys):
        raise Refusal(401, "signature_wrong", "No configured key made this signature.")
    if window_seconds:
        if not timestamp.isdigit() or len(timestamp) > 15:
            raise Refusal(401, "signature_expired", "The signed time is not a number of seconds.")
        if abs(milliseconds(now) / 1000 - int(timestamp)) > window_seconds:
            raise Refusal(401, "signature_expired", "The signature is too old or too new.")


def _signed_by(key: EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True

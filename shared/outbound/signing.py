"""Standard Webhooks: secrets, and the headers by which a receiver knows a request is ours."""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Sequence

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A fresh symmetric secret, as it is shown to the operator once."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(keys: Sequence[str], message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt. keys: the secrets that are valid, the newest first: each
    signs, so that a receiver that knows any of them takes the message · at_s: the attempt's time,
    whole seconds since 1970.

    A signature is HMAC-SHA256 over "id.timestamp.body" (Standard Webhooks, symmetric form).
    """
    signed = f"{message_id}.{at_s}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{_signature(key, signed)}" for key in keys),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()

"""How a delivery proves itself: keyed hashes, credentials, signed times. All in constant time."""

from __future__ import annotations

import base64
import hmac
import re
from datetime import datetime

from services.ingest.providers.contract import Delivery, missing, refused, wrong
from shared.envelope import milliseconds

_DIGITS = re.compile(r"[0-9]{1,13}", re.ASCII)


def same(given: str | bytes, expected: str | bytes) -> bool:
    """Equal, at full length, in constant time."""
    left = given.encode("utf-8", "replace") if isinstance(given, str) else given
    right = expected.encode() if isinstance(expected, str) else expected
    return hmac.compare_digest(left, right)


def hex_hmac(secret: str | bytes, message: bytes, algorithm: str = "sha256") -> str:
    """The keyed hash as hex digits."""
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.digest(key, message, algorithm).hex()


def base64_hmac(secret: str | bytes, message: bytes, algorithm: str = "sha256") -> str:
    """The keyed hash as base64."""
    key = secret.encode() if isinstance(secret, str) else secret
    return base64.b64encode(hmac.digest(key, message, algorithm)).decode()


def check_same(given: str, expected: str, header: str) -> None:
    """Raise Refusal (401) unless the signature in `header` is the one expected."""
    if not given:
        raise missing(header)
    if not same(given, expected):
        raise wrong()


def check_window(signed_at: str, now: datetime, window_seconds: int, unit_ms: int = 1000) -> None:
    """Raise Refusal (401) unless the signed time (a number of units since 1970) is within the
    window around now, in both directions. 0: not checked.
    """
    if not _DIGITS.fullmatch(signed_at):
        raise refused("signature_expired", "The signed time is not a number.")
    if window_seconds and abs(milliseconds(now) - int(signed_at) * unit_ms) > window_seconds * 1000:
        raise refused("signature_expired", "The signature is too old or too new.")


def check_credential(delivery: Delivery, secret: str) -> None:
    """Raise Refusal (401) unless the secret comes along: as user:password of basic auth in the
    address, as bearer token, in the header x-webhook-token, or as ?token= in the address. For
    providers that sign nothing.
    """
    scheme, _, rest = delivery.headers.get("authorization", "").partition(" ")
    given = delivery.headers.get("x-webhook-token") or delivery.query.get("token") or ""
    if scheme.lower() == "bearer":
        given = rest.strip()
    elif scheme.lower() == "basic":
        expected = base64.b64encode(secret.encode()).decode()
        if not same(rest.strip(), expected):
            raise wrong()
        return
    check_same(given, secret, "the credential of this source (basic auth, or a token)")

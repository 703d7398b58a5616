"""Signatures, as the receivers' own library sees them."""

from __future__ import annotations

import base64
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from shared.outbound.signing import new_secret, signed_headers

BODY = '{"type":"lead.stage_changed","data":{"words":"“Ünïcode”"}}'.encode()


def test_the_reference_library_verifies_our_signature() -> None:
    """id.timestamp.body under the secret that the operator was shown."""
    secret = new_secret()
    headers = signed_headers([secret], "message-1", int(time.time()), BODY)
    assert Webhook(secret).verify(BODY, headers)["type"] == "lead.stage_changed"


@pytest.mark.parametrize("change", ["body", "id", "secret", "time"])
def test_anything_altered_fails(change: str) -> None:
    """Body, id, time and secret are all under the signature."""
    secret = new_secret()
    headers = signed_headers([secret], "message-1", int(time.time()), BODY)
    body = BODY + b" " if change == "body" else BODY
    if change == "id":
        headers["webhook-id"] = "message-2"
    if change == "time":
        headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 1)
    verifier = Webhook(new_secret() if change == "secret" else secret)
    with pytest.raises(WebhookVerificationError):
        verifier.verify(body, headers)


def test_secrets_are_long_and_fresh() -> None:
    """32 random bytes each (Standard Webhooks asks for 24 to 64)."""
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


def test_while_secrets_change_a_receiver_with_either_is_served() -> None:
    """Both sign: the newest first."""
    new, old = new_secret(), new_secret()
    headers = signed_headers([new, old], "message-1", int(time.time()), BODY)
    assert [len(each) for each in headers["webhook-signature"].split(" ")] == [47, 47]
    for secret in (new, old):
        Webhook(secret).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, headers)

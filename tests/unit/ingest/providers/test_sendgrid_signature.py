"""SendGrid's signature: the vector of its own SDK, and keys made here."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.ingest.providers.contract import Account, Delivery
from services.ingest.providers.sendgrid import (
    PROVIDER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    read_public_key,
)
from services.ingest.refusal import Refusal
from services.ingest.webhooks import check_proof

# From the tests of sendgrid-python.
SDK_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+"
    "2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
SDK_SIGNATURE = (
    "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluL"
    "tEZtM="
)
SDK_TIMESTAMP = "1600112502"
SDK_BODY = (
    json.dumps(
        [
            {
                "email": "hello@world.com",
                "event": "dropped",
                "reason": "Bounced Address",
                "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
                "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-"
                "5F5FC76C-9.0",
                "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
                "timestamp": 1600112492,
            }
        ],
        sort_keys=True,
        separators=(",", ":"),
    )
    + "\r\n"
).encode()
THEN = datetime.fromtimestamp(1600112502, UTC)


def public_text(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def check(
    keys: list[str],
    signature: str,
    timestamp: str,
    body: bytes,
    now: datetime,
    window_seconds: int,
) -> None:
    """Check a delivery as the webhook does."""
    delivery = Delivery(
        url="https://in.example/v1/webhooks/sendgrid",
        body=body,
        received_at=now,
        headers={SIGNATURE_HEADER: signature, TIMESTAMP_HEADER: timestamp},
    )
    options = {"window_seconds": str(window_seconds)}
    check_proof(PROVIDER, Account("sendgrid", "default", tuple(keys), options), delivery)


def test_the_vector_of_the_sdk_is_accepted() -> None:
    """A body that SendGrid really signed, to the last line break."""
    check([SDK_KEY], SDK_SIGNATURE, SDK_TIMESTAMP, SDK_BODY, THEN, 86_400)


@pytest.mark.parametrize(
    ("signature", "timestamp", "body", "code"),
    [
        (SDK_SIGNATURE, SDK_TIMESTAMP, SDK_BODY.strip(), "signature_wrong"),
        (SDK_SIGNATURE, "1600112503", SDK_BODY, "signature_wrong"),
        (SDK_SIGNATURE[:40], SDK_TIMESTAMP, SDK_BODY, "signature_wrong"),
        ("no base64!", SDK_TIMESTAMP, SDK_BODY, "signature_wrong"),
        ("\xff", SDK_TIMESTAMP, SDK_BODY, "signature_wrong"),
        ("", SDK_TIMESTAMP, SDK_BODY, "signature_missing"),
        (SDK_SIGNATURE, "", SDK_BODY, "signature_missing"),
    ],
)
def test_anything_else_is_refused(signature: str, timestamp: str, body: bytes, code: str) -> None:
    """One byte is enough, and it is always a 401."""
    with pytest.raises(Refusal) as caught:
        check([SDK_KEY], signature, timestamp, body, THEN, 86_400)
    assert (caught.value.status, caught.value.code) == (401, code)


def test_without_a_key_nothing_is_accepted() -> None:
    """It fails closed."""
    with pytest.raises(Refusal) as caught:
        check([], SDK_SIGNATURE, SDK_TIMESTAMP, SDK_BODY, THEN, 0)
    assert (caught.value.status, caught.value.code) == (401, "source_not_configured")


def test_an_old_signature_expires_unless_told_otherwise() -> None:
    """The window is in seconds, both ways; 0 turns it off."""
    keys = [SDK_KEY]
    for away in (timedelta(hours=27), timedelta(hours=-27)):
        with pytest.raises(Refusal) as caught:
            check(keys, SDK_SIGNATURE, SDK_TIMESTAMP, SDK_BODY, THEN + away, 26 * 3600)
        assert caught.value.code == "signature_expired"
        check(keys, SDK_SIGNATURE, SDK_TIMESTAMP, SDK_BODY, THEN + away, 0)


def test_any_of_several_keys_will_do() -> None:
    """So keys can be changed without a gap."""
    key = ec.generate_private_key(ec.SECP256R1())
    signature = base64.b64encode(key.sign(b"1600112502[]", ec.ECDSA(SHA256()))).decode()
    keys = [SDK_KEY, public_text(key)]
    check(keys, signature, SDK_TIMESTAMP, b"[]", THEN, 60)


def test_keys_are_read_with_and_without_armour() -> None:
    """People paste both."""
    armoured = (
        f"-----BEGIN PUBLIC KEY-----\n{SDK_KEY[:64]}\n{SDK_KEY[64:]}\n-----END PUBLIC KEY-----\n"
    )
    assert read_public_key(armoured) == read_public_key(f"  {SDK_KEY} ")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "can't be read"),
        ("SG.not-a-key", "not base64"),
        (base64.b64encode(b"nonsense").decode(), "can't be read"),
        (public_text(rsa.generate_private_key(65537, 2048)), "not an elliptic curve"),
        (public_text(ec.generate_private_key(ec.SECP384R1())), "P-256"),
    ],
)
def test_what_is_no_such_key_is_named(text: str, words: str) -> None:
    """The message helps who pasted it."""
    with pytest.raises(ValueError, match=words):
        read_public_key(text)

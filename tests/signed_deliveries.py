"""Deliveries as providers sign them: by keys that are made here, over bodies given by tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hubspot.utils.signature import Signature
from standardwebhooks import Webhook

from services.ingest.providers.contract import Delivery
from tests.provider_payloads import MAPPING

CREDENTIAL = "leadscore:a-long-random-text"
SECRET = "0123456789abcdef0123456789abcdef"
STANDARD_SECRET = "whsec_" + base64.b64encode(SECRET.encode()).decode()
TOPIC = "arn:aws:sns:eu-west-1:123456789012:mail"
CERTIFICATE_URL = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-7.pem"

# (body, url, moment) → the post: its headers and its body.
Sign = Callable[[bytes, str, datetime], tuple[dict[str, str], bytes]]


@dataclass(frozen=True)
class Signer:
    """Signs as a provider does. secret: what is configured here · other: somebody else's · window:
    does an old signature expire? · covers_body: does it sign the body? · signs: or only tell?
    """

    secret: str
    other: str
    sign: Sign
    window: bool = True
    covers_body: bool = True
    signs: bool = True
    options: Mapping[str, str] = field(default_factory=dict)


def _hex(key: str, message: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(key.encode(), message, algorithm).hexdigest()


def _credential(body: bytes, _url: str, _at: datetime) -> tuple[dict[str, str], bytes]:
    packed = base64.b64encode(CREDENTIAL.encode()).decode()
    return {"authorization": f"Basic {packed}"}, body


@cache
def _ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def _other_ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _public(key: ec.EllipticCurvePrivateKey) -> str:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


def _sendgrid(body: bytes, _url: str, at: datetime) -> tuple[dict[str, str], bytes]:
    stamp = str(int(at.timestamp()))
    signature = _ec_key().sign(stamp.encode() + body, ec.ECDSA(SHA256()))
    return {
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
        "x-twilio-email-event-webhook-timestamp": stamp,
    }, body  # fmt: skip


def _mailgun(body: bytes, _url: str, at: datetime) -> tuple[dict[str, str], bytes]:
    """Each post has a token of its own."""
    stamp, token = str(int(at.timestamp())), secrets.token_hex(25)
    signature = {
        "timestamp": stamp, "token": token, "signature": _hex(SECRET, (stamp + token).encode()),
    }  # fmt: skip
    return {}, json.dumps({"signature": signature, **json.loads(body)}).encode()


def _mandrill(body: bytes, url: str, _at: datetime) -> tuple[dict[str, str], bytes]:
    form = urlencode({"mandrill_events": body.decode()}).encode()
    signed = url + "".join(name + value for name, value in sorted(parse_qsl(form.decode())))
    digest = hmac.new(SECRET.encode(), signed.encode(), hashlib.sha1).digest()
    return {
        "x-mandrill-signature": base64.b64encode(digest).decode(),
        "content-type": "application/x-www-form-urlencoded",
    }, form  # fmt: skip


def _mailchimp(body: bytes, url: str, at: datetime) -> tuple[dict[str, str], bytes]:
    return _credential(urlencode(json.loads(body)).encode(), url, at)


def _standard(body: bytes, _url: str, at: datetime) -> tuple[dict[str, str], bytes]:
    """By the library of Standard Webhooks itself."""
    message_id = f"msg_{hashlib.sha256(body).hexdigest()[:20]}"
    signature = Webhook(STANDARD_SECRET).sign(message_id, at, body.decode())
    return {
        "svix-id": message_id, "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": f"v1,AAAA {signature} v2,zzz",
    }, body  # fmt: skip


def _customerio(body: bytes, _url: str, at: datetime) -> tuple[dict[str, str], bytes]:
    stamp = str(int(at.timestamp()))
    signature = _hex(SECRET, f"v0:{stamp}:".encode() + body)
    return {"x-cio-timestamp": stamp, "x-cio-signature": signature}, body


def _klaviyo(body: bytes, _url: str, at: datetime) -> tuple[dict[str, str], bytes]:
    stamp = format_datetime(at, usegmt=True)
    meta = {
        "klaviyo_account_id": "AbCdEf",
        "klaviyo_webhook_id": "wh1",
        "timestamp": at.isoformat(),
    }
    whole = json.dumps({"data": json.loads(body), "meta": meta}).encode()
    return {
        "klaviyo-webhook-id": "wh1", "klaviyo-timestamp": stamp,
        "klaviyo-signature": _hex(SECRET, whole + stamp.encode()),
    }, whole  # fmt: skip


@cache
def _amazon() -> tuple[rsa.RSAPrivateKey, bytes]:
    """A key, and a certificate such as Amazon's (PEM)."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2040, 1, 1, tzinfo=UTC))
        .sign(key, SHA256())
    )
    return key, built.public_bytes(Encoding.PEM)


def amazons_certificate() -> bytes:
    return _amazon()[1]


def sns(
    message: str, at: datetime, version: str = "2", **over: str
) -> tuple[dict[str, str], bytes]:
    """A post of SNS: a notification, or by `over` (Type, SubscribeURL, Token) a confirmation."""
    envelope = {
        "Type": "Notification", "MessageId": "7a5b9c10-0000-4000-8000-000000000001",
        "TopicArn": TOPIC, "Message": message, "Timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.000Z", **over,
    }  # fmt: skip
    names = [
        "Message",
        "MessageId",
        "Subject",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ]
    signed = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope)
    algorithm = SHA1() if version == "1" else SHA256()
    signature = _amazon()[0].sign(signed.encode(), padding.PKCS1v15(), algorithm)
    envelope |= {
        "SignatureVersion": version, "SigningCertURL": CERTIFICATE_URL,
        "Signature": base64.b64encode(signature).decode(), "UnsubscribeURL": "https://x.example/",
    }  # fmt: skip
    headers = {
        "content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": envelope["Type"],
        "x-amz-sns-message-id": envelope["MessageId"], "x-amz-sns-topic-arn": envelope["TopicArn"],
    }  # fmt: skip
    return headers, json.dumps(envelope).encode()


def _typeform(body: bytes, _url: str, _at: datetime) -> tuple[dict[str, str], bytes]:
    digest = hmac.new(SECRET.encode(), body, "sha256").digest()
    return {"typeform-signature": f"sha256={base64.b64encode(digest).decode()}"}, body


def _webflow(body: bytes, _url: str, at: datetime) -> tuple[dict[str, str], bytes]:
    stamp = str(int(at.timestamp() * 1000))
    signature = _hex(SECRET, f"{stamp}:".encode() + body)
    return {"x-webflow-timestamp": stamp, "x-webflow-signature": signature}, body


def _hubspot(body: bytes, url: str, at: datetime) -> tuple[dict[str, str], bytes]:
    """The third version, by HubSpot's own library."""
    stamp = str(int(at.timestamp() * 1000))
    signature = Signature.get_signature(SECRET, body.decode(), "v3", http_uri=url,
                                        http_method="POST", timestamp=stamp)  # fmt: skip
    return {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": stamp}, body


def _calendly(body: bytes, _url: str, at: datetime) -> tuple[dict[str, str], bytes]:
    stamp = str(int(at.timestamp()))
    signature = _hex(SECRET, f"{stamp}.".encode() + body)
    return {"calendly-webhook-signature": f"t={stamp},v1={signature}"}, body


def _zoom(body: bytes, _url: str, at: datetime) -> tuple[dict[str, str], bytes]:
    stamp = str(int(at.timestamp()))
    signature = _hex(SECRET, f"v0:{stamp}:".encode() + body)
    return {"x-zm-request-timestamp": stamp, "x-zm-signature": f"v0={signature}"}, body


def _shopify(body: bytes, _url: str, _at: datetime) -> tuple[dict[str, str], bytes]:
    digest = hmac.new(SECRET.encode(), body, "sha256").digest()
    return {"x-shopify-hmac-sha256": base64.b64encode(digest).decode()}, body


def _ses(body: bytes, _url: str, at: datetime) -> tuple[dict[str, str], bytes]:
    return sns(body.decode(), at)


def _by_credential() -> Signer:
    return Signer(CREDENTIAL, "leadscore:other", _credential, window=False, signs=False)


SIGNERS: dict[str, Signer] = {
    "brevo": _by_credential(),
    "customerio": Signer(SECRET, "other", _customerio),
    "klaviyo": Signer(SECRET, "other", _klaviyo),
    "mailchimp": replace(_by_credential(), sign=_mailchimp),
    "mailgun": Signer(SECRET, "other", _mailgun, covers_body=False),
    "mailjet": _by_credential(),
    "mandrill": Signer(SECRET, "other", _mandrill, window=False),
    "postmark": _by_credential(),
    "resend": Signer(STANDARD_SECRET, "whsec_b3RoZXI=", _standard),
    "sendgrid": Signer(_public(_ec_key()), _public(_other_ec_key()), _sendgrid),
    "ses": Signer(TOPIC, TOPIC.replace("mail", "other"), _ses),
    "sparkpost": _by_credential(),
    "typeform": Signer(SECRET, "other", _typeform, window=False),
    "webflow": Signer(SECRET, "other", _webflow),
    "hubspot": Signer(SECRET, "other", _hubspot),
    "calendly": Signer(SECRET, "other", _calendly),
    "zoom": Signer(SECRET, "other", _zoom),
    "gravityforms": _by_credential(),
    "contactform7": _by_credential(),
    "generic": Signer(SECRET, "other", _shopify, window=False, options={"mapping": MAPPING}),
}  # fmt: skip


def url_of(provider: str, base: str = "https://in.example") -> str:
    return f"{base}/v1/webhooks/{provider}"


def signed(
    provider: str, body: bytes, at: datetime, *, received: timedelta | None = None
) -> Delivery:
    """The delivery of a body, signed at a moment and received then, or so much later."""
    url = url_of(provider)
    headers, whole = SIGNERS[provider].sign(body, url, at)
    return Delivery(
        url=url,
        body=whole,
        received_at=at + (received or timedelta()),
        headers=headers,
        query=dict(parse_qsl(urlsplit(url).query)),
        certificate=amazons_certificate() if provider == "ses" else b"",
    )

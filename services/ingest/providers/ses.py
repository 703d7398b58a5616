"""Amazon SES by SNS: signed with a certificate of Amazon's; only known topics are believed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import load_pem_x509_certificate

from services.ingest.providers.contract import (
    Account,
    Answer,
    Delivery,
    Provider,
    Reported,
    from_base64,
    missing,
    refused,
    wrong,
)
from services.ingest.providers.items import kind_of, text
from services.ingest.providers.mail import mail
from services.ingest.providers.proofs import same
from services.ingest.refusal import Refusal, invalid
from services.ingest.timestamps import read_timestamp
from shared.envelope import milliseconds

TYPE_HEADER = "x-amz-sns-message-type"
ID_HEADER = "x-amz-sns-message-id"
# SNS gives up within the hour. Its signature holds no date of an end.
WINDOW_SECONDS = 26 * 3600
_CONFIRMATIONS = frozenset({"SubscriptionConfirmation", "UnsubscribeConfirmation"})
_TYPES = _CONFIRMATIONS | {"Notification"}
# In this order, those that are there; a confirmation has its own.
_SIGNED = ("Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn",
           "Type")  # fmt: skip
_NOT_SIGNED = {"Notification": frozenset({"SubscribeURL", "Token"})}
_HASHES: dict[str, HashAlgorithm] = {"1": SHA1(), "2": SHA256()}  # noqa: S303 - theirs
_HOST = re.compile(r"sns\.[a-zA-Z0-9\-]{3,}\.amazonaws\.com(\.cn)?")
_TOPIC = re.compile(r"arn:aws[a-z\-]*:sns:[a-z0-9\-]+:\d{12}:[A-Za-z0-9_\-.]{1,256}")

EVENT_TYPES: dict[str, str | None] = {
    "Delivery": "email_delivered",
    "Open": "email_opened",
    "Click": "email_clicked",
    "Bounce": "email_bounced",
    "Complaint": "email_complained",
    "Subscription": "email_unsubscribed",
    "Send": None,
    "Reject": None,
    "Rendering Failure": None,
    "DeliveryDelay": None,
    "Received": None,
}
_OF_ONE_PERSON = frozenset({"email_opened", "email_clicked", "email_unsubscribed"})

_decoder = msgspec.json.Decoder(dict[str, Any])


def _envelope(delivery: Delivery) -> dict[str, Any]:
    try:
        return _decoder.decode(delivery.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise missing("the envelope of SNS (raw message delivery must be off)") from None


def amazons_own(address: str) -> str:
    """The address, if it is one of SNS over https. Raises Refusal (401): anybody may sign with a
    certificate of his own, and nothing else may be fetched for him.
    """
    try:
        parts = urlsplit(address)
        plain = parts.scheme == "https" and parts.port in (None, 443) and not parts.username
        own = plain and _HOST.fullmatch(parts.hostname or "") is not None
    except ValueError:
        own = False
    if not own or parts.netloc.lower() != parts.hostname:
        raise refused("signature_wrong", "The address is none of Amazon SNS.")
    return address


def certificate(delivery: Delivery) -> str:
    """Where the certificate is that it says it is signed with."""
    envelope = _envelope(delivery)
    address = text(envelope, "SigningCertURL") or text(envelope, "SigningCertUrl")
    if not urlsplit(amazons_own(address)).path.endswith(".pem"):
        raise refused("signature_wrong", "The certificate is no .pem file.")
    return address


def verify(delivery: Delivery, secret: str, account: Account) -> None:
    """RSA (PKCS#1 v1.5) with SHA-1 or SHA-256 over the fields; and of the topic `secret`."""
    envelope = _envelope(delivery)
    kind = text(envelope, "Type")
    if kind not in _TYPES or delivery.headers.get(TYPE_HEADER, kind) != kind:
        raise refused("signature_wrong", "The type is none of SNS, or another in the header.")
    if delivery.headers.get(ID_HEADER, text(envelope, "MessageId")) != text(envelope, "MessageId"):
        raise refused("signature_wrong", "The message id is another in the header.")
    if not same(text(envelope, "TopicArn"), secret):
        raise wrong()
    algorithm = _HASHES.get(text(envelope, "SignatureVersion"))
    if algorithm is None:
        raise refused("signature_wrong", "The version of the signature is not known.")
    try:
        key = load_pem_x509_certificate(delivery.certificate).public_key()
    except ValueError:
        raise refused("signature_wrong", "The certificate can't be read.") from None
    if not isinstance(key, RSAPublicKey):
        raise refused("signature_wrong", "The certificate holds no RSA key.")
    signature = from_base64(text(envelope, "Signature"))
    try:
        key.verify(signature, signed_text(envelope), PKCS1v15(), algorithm)
    except InvalidSignature:
        raise wrong() from None
    _check_age(envelope, delivery, account.seconds("window_seconds", WINDOW_SECONDS))


def signed_text(envelope: dict[str, Any]) -> bytes:
    """What SNS signs of an envelope: names and values, a line each."""
    left_out = _NOT_SIGNED.get(text(envelope, "Type"), frozenset())
    lines = [
        f"{name}\n{value}\n"
        for name in _SIGNED
        if name not in left_out and isinstance(value := _field(envelope, name), str)
    ]
    return "".join(lines).encode("utf-8", "replace")


def _field(envelope: dict[str, Any], name: str) -> object:
    """Lambda's spelling is another."""
    return envelope.get(name, envelope.get(name.replace("URL", "Url")))


def _check_age(envelope: dict[str, Any], delivery: Delivery, window_seconds: int) -> None:
    try:
        at = read_timestamp(envelope.get("Timestamp"), "Timestamp")
    except Refusal:
        raise refused("signature_expired", "The signed time can't be read.") from None
    away = abs(milliseconds(delivery.received_at) - milliseconds(at))
    if window_seconds and away > window_seconds * 1000:
        raise refused("signature_expired", "The signature is too old or too new.")


def confirm(delivery: Delivery, _account: Account) -> Answer | None:
    """A subscription is confirmed by getting an address of SNS."""
    envelope = _envelope(delivery)
    kind = text(envelope, "Type")
    if kind not in _CONFIRMATIONS:
        return None
    if kind == "UnsubscribeConfirmation":
        return Answer()  # getting its address would subscribe again
    return Answer(visit=amazons_own(str(_field(envelope, "SubscribeURL"))))


def split(delivery: Delivery, _account: Account) -> Sequence[bytes | Any]:
    """What SES says, a text in the envelope. Its greeting to a new topic isn't JSON."""
    message = text(_envelope(delivery), "Message")
    if message.lstrip()[:1] != "{":
        return ()
    return [_without_headers(message)]


def _without_headers(message: str) -> bytes:
    """The headers of the mail are long, and of no use here."""
    try:
        document = json.loads(message)
    except (ValueError, RecursionError):
        raise invalid("not_json", "The message of SNS is not JSON.") from None
    if isinstance(document, dict) and isinstance(document.get("mail"), dict):
        document["mail"].pop("headers", None)
    return json.dumps(document).encode("utf-8", "surrogatepass")


def read(item: dict[str, Any], delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """An event for each recipient that is named; none of an opening that may be anybody's."""
    name = "eventType" if "eventType" in item else "notificationType"
    kind, event_type = kind_of(item, EVENT_TYPES, name)
    if not event_type:
        return ()
    part = kind.lower()
    details = item.get(part)
    details = details if isinstance(details, dict) else {}
    if kind == "Subscription" and not _left(details):
        return ()
    people = _people(item, kind, details)
    if event_type in _OF_ONE_PERSON and len(people) != 1:
        return ()
    sent = text(_envelope(delivery), "MessageId")
    bounce = ""
    if kind == "Bounce":
        bounce = "hard" if text(details, "bounceType") == "Permanent" else "soft"
    return [
        mail(
            kind,
            event_type,
            # mail.timestamp is when it was sent.
            at=details.get("timestamp"),
            at_path=f"{part}.timestamp",
            email=person,
            email_path=part,
            message_id=text(item, "mail", "messageId"),
            url=text(details, "link"),
            bounce=bounce,
            reason=text(details, "bounceSubType") or text(details, "complaintFeedbackType"),
            subject=text(item, "mail", "commonHeaders", "subject"),
            custom=_tags(item),
            own_id=f"{sent}#{place}" if place else sent,
            user_agent=text(details, "userAgent"),
            ip=text(details, "ipAddress"),
        )
        for place, person in enumerate(people[:100])
    ]


def _people(item: dict[str, Any], kind: str, details: dict[str, Any]) -> list[str]:
    names = {"Bounce": "bouncedRecipients", "Complaint": "complainedRecipients"}
    if kind in names:
        given = details.get(names[kind])
        return [text(one, "emailAddress") for one in given if isinstance(one, dict)] if isinstance(
            given, list
        ) else []  # fmt: skip
    given = details.get("recipients")
    if not isinstance(given, list):
        mailed = item.get("mail")
        given = mailed.get("destination") if isinstance(mailed, dict) else None
    return [one for one in given if isinstance(one, str)] if isinstance(given, list) else []


def _left(details: dict[str, Any]) -> bool:
    """Does a change of subscriptions end all of them?"""
    now = details.get("newTopicPreferences")
    return isinstance(now, dict) and now.get("unsubscribeAll") is True


def _tags(item: dict[str, Any]) -> dict[str, Any]:
    """The mail's own tags: lists of one, mostly. Amazon's begin with ses:."""
    mailed = item.get("mail")
    given = mailed.get("tags") if isinstance(mailed, dict) else None
    if not isinstance(given, dict):
        return {}
    return {
        name: value[0] if isinstance(value, list) and len(value) == 1 else value
        for name, value in given.items()
        if not name.startswith("ses:")
    }


def _check_secret(secret: str) -> None:
    if not _TOPIC.fullmatch(secret):
        raise ValueError("give the ARN of the SNS topic, such as arn:aws:sns:eu-west-1:1234…:mail")


PROVIDER = Provider(
    name="ses",
    title="Amazon SES by SNS",
    verify=verify,
    split=split,
    read=read,
    challenge=confirm,
    certificate=certificate,
    check_secret=_check_secret,
    proof="the ARN of the SNS topic: anybody at Amazon can sign, only this topic is believed",
    options={"window_seconds": "how far the signed time may be from now (93600; 0: not checked)"},
    signature="RSA by Amazon's certificate; topic",
    batch="one",
    dedupe="SNS `MessageId` and the recipient's place",
    machine_open="none",
    retries="3 within a minute by default; the subscription is confirmed by itself",
    tested_with="documented payloads, signed as SNS does",
)

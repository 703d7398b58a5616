"""Klaviyo system webhooks: HMAC over body and date; arrays of events in JSON:API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from services.ingest.providers.contract import Account, Delivery, Provider, Reported, refused
from services.ingest.providers.items import array_in, kind_of, text
from services.ingest.providers.mail import mail
from services.ingest.providers.proofs import check_same, check_window, hex_hmac, same
from shared.envelope import milliseconds

SIGNATURE_HEADER = "klaviyo-signature"
TIMESTAMP_HEADER = "klaviyo-timestamp"
ID_HEADER = "klaviyo-webhook-id"
# It tries again for 48 hours, perhaps with the first signature.
WINDOW_SECONDS = 50 * 3600

EVENT_TYPES: dict[str, str | None] = {
    "event:klaviyo.email_delivered": "email_delivered",
    "event:klaviyo.received_email": "email_delivered",
    "event:klaviyo.opened_email": "email_opened",
    "event:klaviyo.clicked_email": "email_clicked",
    "event:klaviyo.bounced_email": "email_bounced",
    "event:klaviyo.marked_email_as_spam": "email_complained",
    "event:klaviyo.unsubscribed_from_email_marketing": "email_unsubscribed",
    "event:klaviyo.subscribed_to_email_marketing": "newsletter_subscribed",
    "event:klaviyo.dropped_email": None,
    "event:klaviyo.updated_email_preferences": None,
}


class _Meta(msgspec.Struct):
    klaviyo_webhook_id: str = ""


class _Head(msgspec.Struct):
    meta: _Meta


_head = msgspec.json.Decoder(_Head)


def verify(delivery: Delivery, secret: str, account: Account) -> None:
    """Hex of HMAC-SHA256 over the raw body and the header with the date; the webhook's id must be
    the same in header and body.
    """
    at = delivery.headers.get(TIMESTAMP_HEADER, "")
    signed = delivery.body + at.encode("latin-1", "replace")
    given = delivery.headers.get(SIGNATURE_HEADER, "")
    check_same(given, hex_hmac(secret, signed), SIGNATURE_HEADER)
    try:
        moment = parsedate_to_datetime(at)
        seconds = milliseconds(moment.astimezone()) // 1000
    except (ValueError, TypeError, IndexError, OverflowError):
        raise refused("signature_expired", "The signed date can't be read.") from None
    window = account.seconds("window_seconds", WINDOW_SECONDS)
    check_window(str(seconds), delivery.received_at, window)
    try:
        meant = _head.decode(delivery.body).meta.klaviyo_webhook_id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        meant = ""
    if not same(delivery.headers.get(ID_HEADER, ""), meant) or not meant:
        raise refused("signature_wrong", "The webhook's id is another in the header.")


def split(delivery: Delivery, _account: Account) -> Sequence[bytes | Any]:
    """The items of `data`."""
    return array_in(delivery.body, "data")


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """One event. What isn't about mail is left out."""
    topic = text(item, "topic")
    if topic and topic not in EVENT_TYPES and "email" not in topic:
        return ()
    kind, event_type = kind_of(item, EVENT_TYPES, "topic")
    if not event_type:
        return ()
    payload = item.get("payload")
    payload = payload if isinstance(payload, dict) else {}
    given = payload.get("data")
    given = given if isinstance(given, dict) else {}
    attributes = given.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    details = attributes.get("event_properties")
    details = details if isinstance(details, dict) else {}
    reported = mail(
        kind,
        event_type,
        at=attributes.get("datetime") or attributes.get("timestamp"),
        at_path="payload.data.attributes.datetime",
        email=text(details, "Recipient Email Address") or _profile_email(payload),
        email_path="payload",
        message_id=text(details, "$message"),
        url=text(details, "URL"),
        bounce=_bounce(details) if event_type == "email_bounced" else "",
        subject=text(details, "Subject"),
        custom={"campaign_name": text(details, "Campaign Name"), "flow": text(details, "$flow")},
        own_id=text(item, "external_id"),
        user_agent=text(details, "User Agent"),
        machine="machine open" if details.get("machine_open") is True else "",
    )
    profile = text(given, "relationships", "profile", "data", "id")
    return (replace(reported, external={"klaviyo": profile}) if profile else reported,)


def _profile_email(payload: dict[str, Any]) -> str:
    included = payload.get("included")
    for one in included if isinstance(included, list) else ():
        if isinstance(one, dict) and one.get("type") == "profile":
            return text(one, "attributes", "email")
    return ""


def _bounce(details: dict[str, Any]) -> str:
    return "soft" if text(details, "Bounce Type").lower() == "soft" else "hard"


PROVIDER = Provider(
    name="klaviyo",
    title="Klaviyo",
    verify=verify,
    split=split,
    read=read,
    proof="the secret that was given when the webhook was made",
    options={"window_seconds": "how far the signed date may be from now (180000; 0: not checked)"},
    signature="HMAC-SHA256 over raw body and date",
    batch="array in `data`, up to 1,000",
    dedupe="`external_id`",
    machine_open="`machine_open`, where it is given",
    retries="up to every hour, ended after 48 h; 200 within 5 s",
    tested_with="documented payloads",
)

"""Mailgun: HMAC over a time and a token, not over the body; one event a post."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from services.ingest.providers.contract import Account, Delivery, Provider, Reported, missing
from services.ingest.providers.items import kind_of, single, text
from services.ingest.providers.mail import mail
from services.ingest.providers.proofs import check_same, check_window, hex_hmac
from services.ingest.refusal import invalid

# It tries again for 8 hours, perhaps with the first signature.
WINDOW_SECONDS = 12 * 3600

EVENT_TYPES: dict[str, str | None] = {
    "delivered": "email_delivered",
    "opened": "email_opened",
    "clicked": "email_clicked",
    "unsubscribed": "email_unsubscribed",
    "complained": "email_complained",
    "failed": "email_bounced",
    "accepted": None,
    "rejected": None,
    "stored": None,
    "list_member_uploaded": None,
    "list_member_upload_error": None,
    "list_uploaded": None,
}


class _Signature(msgspec.Struct):
    timestamp: str = ""
    token: str = ""
    signature: str = ""


class _Signed(msgspec.Struct):
    signature: _Signature


_signed = msgspec.json.Decoder(_Signed)


def _signature(delivery: Delivery) -> _Signature:
    try:
        return _signed.decode(delivery.body).signature
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise missing("a signature object in the body") from None


def verify(delivery: Delivery, secret: str, account: Account) -> None:
    """Hex of HMAC-SHA256 over timestamp and token."""
    given = _signature(delivery)
    message = (given.timestamp + given.token).encode("utf-8", "replace")
    check_same(given.signature, hex_hmac(secret, message), "a signature")
    window = account.seconds("window_seconds", WINDOW_SECONDS)
    check_window(given.timestamp, delivery.received_at, window)


def nonce(delivery: Delivery) -> str:
    """The token: Mailgun gives it to one post alone."""
    return _signature(delivery).token


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """One event."""
    data = item.get("event-data")
    if not isinstance(data, dict):
        raise invalid("items_missing", "The body has no event-data.", "event-data")
    kind, event_type = kind_of(data, EVENT_TYPES, "event")
    # It will try again after a passing failure, and tells of the end.
    if not event_type or (kind == "failed" and data.get("severity") == "temporary"):
        return ()
    at = data.get("timestamp")
    bot = text(data, "client-info", "bot")
    return (
        mail(
            kind,
            event_type,
            at=at,
            at_path="event-data.timestamp",
            email=text(data, "recipient"),
            email_path="event-data.recipient",
            message_id=text(data, "message", "headers", "message-id").strip("<>"),
            subject=text(data, "message", "headers", "subject"),
            url=text(data, "url"),
            bounce="hard" if kind == "failed" else "",
            reason=text(data, "reason"),
            tags=data.get("tags"),
            custom=data.get("user-variables"),
            own_id=_event_id(text(data, "id"), at),
            user_agent=text(data, "client-info", "user-agent"),
            ip=text(data, "ip"),
            machine=f"the provider says: bot ({bot})" if bot else "",
        ),
    )


def _event_id(own: str, at: object) -> str:
    """Its ids are unique within a day."""
    if not own or not isinstance(at, (int, float)) or not 0 <= at < 1e11:
        return ""
    return f"{own}@{datetime.fromtimestamp(at, UTC):%Y%m%d}"


PROVIDER = Provider(
    name="mailgun",
    title="Mailgun",
    verify=verify,
    split=single,
    read=read,
    nonce=nonce,
    proof="the HTTP webhook signing key",
    options={"window_seconds": "how far the signed time may be from now (43200; 0: not checked)"},
    signature="HMAC-SHA256 over time and token; the token once",
    batch="one",
    dedupe="`id` with the day",
    machine_open="`client-info.bot`, on opens and clicks",
    retries="for 8 h",
    tested_with="vector of mailgun-php, documented payloads",
)

"""Mailchimp Transactional (Mandrill): a form with one JSON array; HMAC over address and fields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from services.ingest.providers.contract import Account, Answer, Delivery, Provider, Reported
from services.ingest.providers.items import array_items, kind_of, text
from services.ingest.providers.mail import mail
from services.ingest.providers.proofs import base64_hmac, check_same
from services.ingest.refusal import invalid

SIGNATURE_HEADER = "x-mandrill-signature"
FIELD = "mandrill_events"

EVENT_TYPES: dict[str, str | None] = {
    "delivered": "email_delivered",
    "open": "email_opened",
    "click": "email_clicked",
    "hard_bounce": "email_bounced",
    "soft_bounce": "email_bounced",
    "spam": "email_complained",
    "unsub": "email_unsubscribed",
    "send": None,
    "deferral": None,
    "reject": None,
    "inbound": None,
}
_BOUNCES = {"hard_bounce": "hard", "soft_bounce": "soft"}


def _fields(body: bytes) -> list[tuple[str, str]]:
    """The fields of the form, as they were before they were encoded."""
    try:
        return parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return []


def verify(delivery: Delivery, secret: str, _account: Account) -> None:
    """Base64 of HMAC-SHA1 over the address as it was given there, and each field's name and value,
    by name.
    """
    signed = delivery.url + "".join(name + value for name, value in sorted(_fields(delivery.body)))
    expected = base64_hmac(secret, signed.encode("utf-8", "replace"), "sha1")
    check_same(delivery.headers.get(SIGNATURE_HEADER, ""), expected, SIGNATURE_HEADER)


def is_set_up(delivery: Delivery) -> Answer | None:
    """While a webhook is made an empty list is posted, signed with a key that nobody has yet."""
    return Answer() if dict(_fields(delivery.body)) == {FIELD: "[]"} else None


def split(delivery: Delivery, _account: Account) -> Sequence[bytes | Any]:
    """The items of the one field."""
    found = dict(_fields(delivery.body)).get(FIELD)
    if found is None:
        raise invalid("items_missing", f"The form has no {FIELD}.", FIELD)
    return array_items(found.encode("utf-8", "replace"))


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """One event; none of an item about Mandrill's own lists of addresses."""
    if "event" not in item and text(item, "type"):
        return ()
    kind, event_type = kind_of(item, EVENT_TYPES, "event")
    if not event_type:
        return ()
    robot = text(item, "user_agent_parsed", "type").lower() == "robot"
    return (
        mail(
            kind,
            event_type,
            at=item.get("ts"),
            at_path="ts",
            email=text(item, "msg", "email"),
            email_path="msg.email",
            message_id=text(item, "_id") or text(item, "msg", "_id"),
            url=text(item, "url"),
            bounce=_BOUNCES.get(kind, ""),
            reason=text(item, "msg", "bounce_description"),
            subject=text(item, "msg", "subject"),
            tags=_part(item, "tags"),
            custom=_part(item, "metadata"),
            user_agent=text(item, "user_agent"),
            ip=text(item, "ip"),
            machine="the provider says: robot" if robot else "",
        ),
    )


def _part(item: dict[str, Any], name: str) -> object:
    message = item.get("msg")
    return message.get(name) if isinstance(message, dict) else None


PROVIDER = Provider(
    name="mandrill",
    title="Mailchimp Transactional (Mandrill)",
    verify=verify,
    split=split,
    read=read,
    open_answer=is_set_up,
    proof="the key that Mandrill shows beside the webhook",
    options={"url": "the address exactly as it was given there, if ingest can't know it"},
    signature="HMAC-SHA1 over address and fields",
    batch="array in a form, up to 1,000",
    dedupe="kind, message, recipient, time, link",
    machine_open="`user_agent_parsed.type` robot",
    retries="batched anew; an unsigned HEAD first",
    tested_with="recorded vector of mandrill-rails, documented payloads",
)

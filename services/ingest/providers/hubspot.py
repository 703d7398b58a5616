"""HubSpot: apps' webhooks about contacts, and workflows that send a contact after a form."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

from services.ingest.providers.contract import Account, Delivery, Provider, Reported, missing
from services.ingest.providers.items import single_or_array, text
from services.ingest.providers.proofs import base64_hmac, check_same, check_window
from services.ingest.providers.submitted import submitted
from services.ingest.refusal import invalid
from shared.event_types import IDENTIFY

# It tries again for up to three days, signed anew.
WINDOW_SECONDS = 300
# These characters are signed as they are, however the address was written.
_UNESCAPED = re.compile(r"%(3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
_LEFT_OUT = ("contact.deletion", "contact.privacyDeletion", "contact.merge", "contact.restore",
             "contact.associationChange")  # fmt: skip


def verify(delivery: Delivery, secret: str, account: Account) -> None:
    """The third version: base64 of HMAC-SHA256 over method, address, body and time (ms). The
    second: hex of SHA-256 over secret, method, address and body; the first: over secret and body.
    """
    newest = delivery.headers.get("x-hubspot-signature-v3", "")
    older = delivery.headers.get("x-hubspot-signature", "")
    if newest:
        at = delivery.headers.get("x-hubspot-request-timestamp", "")
        address = _UNESCAPED.sub(lambda one: chr(int(one[1], 16)), delivery.url)
        signed = f"{delivery.method}{address}".encode("utf-8", "replace") + delivery.body
        expected = base64_hmac(secret, signed + at.encode("utf-8", "replace"))
        check_same(newest, expected, "x-hubspot-signature-v3")
        window = account.seconds("window_seconds", WINDOW_SECONDS)
        check_window(at, delivery.received_at, window, unit_ms=1)
        return
    if not older:
        raise missing("x-hubspot-signature-v3 or x-hubspot-signature")
    before = secret
    if delivery.headers.get("x-hubspot-signature-version", "v1").lower() == "v2":
        before += delivery.method + delivery.url
    expected = sha256(before.encode("utf-8", "replace") + delivery.body).hexdigest()
    check_same(older, expected, "x-hubspot-signature")


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """A change of a contact, or the contact that a workflow sends."""
    kind = text(item, "subscriptionType")
    if kind:
        return _change(item, kind)
    if isinstance(item.get("properties"), dict):
        return (_contact(item, item["properties"]),)
    raise invalid("event_unknown", "This is no change of a contact, and no contact.", "")


def _change(item: dict[str, Any], kind: str) -> Sequence[Reported]:
    """What is now known of a contact; others' changes, and ends, are left out."""
    if not kind.startswith("contact.") or kind in _LEFT_OUT:
        return ()
    name, value = text(item, "propertyName"), item.get("propertyValue")
    contact = text(item, "objectId")
    traits = {name: value} if name and isinstance(value, (str, int, float, bool)) else {}
    return (
        Reported(
            type=IDENTIFY,
            at=item.get("occurredAt") or "",
            at_path="occurredAt",
            key=(text(item, "subscriptionId"), text(item, "eventId"), contact, kind,
                 text(item, "occurredAt"), name),
            email=str(value) if name == "email" else "",
            email_path="objectId",
            external={"hubspot": contact} if contact else {},
            properties={"provider_event": kind},
            traits=traits,
        ),
    )  # fmt: skip


def _contact(item: dict[str, Any], properties: dict[str, Any]) -> Reported:
    """The newest form that the contact submitted."""
    fields = {
        name: value.get("value") if isinstance(value, dict) else value
        for name, value in properties.items()
    }
    forms = item.get("form-submissions")
    known = [one for one in forms if isinstance(one, dict)] if isinstance(forms, list) else []
    newest = max(known, key=lambda one: _number(one.get("timestamp")), default={})
    contact = text(item, "vid") or text(item, "id")
    return submitted(
        "form_submitted" if newest else IDENTIFY,
        {name: value for name, value in fields.items() if not name.startswith("hs_")},
        form=text(newest, "title") or text(newest, "form-id"),
        at=newest.get("timestamp") or _number(fields.get("lastmodifieddate")) or None,
        at_path="form-submissions",
        own_id=text(newest, "conversion-id"),
        key=(contact, text(fields, "lastmodifieddate")),
        external={"hubspot": contact} if contact else {},
        page=text(newest, "page-url"),
    )


def _number(value: object) -> int:
    digits = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 15 else 0


PROVIDER = Provider(
    name="hubspot",
    title="HubSpot",
    verify=verify,
    split=single_or_array,
    read=read,
    proof="the app's client secret",
    options={
        "window_seconds": "how far the signed time may be from now (300; 0: not checked)",
        "url": "the address exactly as it was given there, if ingest can't know it",
    },
    signature="v3: HMAC-SHA256 over method, address, body, time; v2 and v1",
    batch="array, up to 100, or one contact",
    dedupe="subscription, `eventId`, contact, time; `conversion-id` of a form",
    machine_open="",
    retries="for 3 days, not after 4xx but 429",
    tested_with="documented payloads",
)

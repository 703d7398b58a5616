"""Mailchimp Marketing: a form of flat fields, a secret in the address, no opens or clicks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

from services.ingest.providers.contract import Account, Delivery, Provider, Reported
from services.ingest.providers.items import kind_of, text
from services.ingest.providers.mail import mail
from services.ingest.providers.proofs import check_credential
from services.ingest.refusal import invalid

EVENT_TYPES: dict[str, str | None] = {
    "subscribe": "newsletter_subscribed",
    "unsubscribe": "email_unsubscribed",
    "cleaned": "email_bounced",
    "profile": None,
    "upemail": None,
    "campaign": None,
}


def verify(delivery: Delivery, secret: str, _account: Account) -> None:
    """Whoever knows the secret; Mailchimp can carry it in the address only (?token=…)."""
    check_credential(delivery, secret)


def split(delivery: Delivery, _account: Account) -> Sequence[bytes | Any]:
    """The form as one flat object: {"type": …, "data[email]": …}."""
    try:
        fields = parse_qsl(
            delivery.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=300
        )
    except ValueError:
        raise invalid("form_broken", "The body is no form that can be read.") from None
    return [json.dumps(dict(fields)).encode()]


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """One event. Somebody who is cleaned or leaves because of abuse has complained."""
    kind, event_type = kind_of(item, EVENT_TYPES, "type")
    if not event_type:
        return ()
    reason = text(item, "data[reason]")
    if reason == "abuse":
        event_type = "email_complained"
    list_id = text(item, "data[list_id]")
    return (
        mail(
            kind,
            event_type,
            at=item.get("fired_at"),
            at_path="fired_at",
            email=text(item, "data[email]"),
            email_path="data[email]",
            bounce="hard" if event_type == "email_bounced" else "",
            reason=reason,
            custom={"list_id": list_id, "campaign_id": text(item, "data[campaign_id]")},
        ),
    )


PROVIDER = Provider(
    name="mailchimp",
    title="Mailchimp Marketing",
    verify=verify,
    split=split,
    read=read,
    proof="a long random text that you put into the address: …?token=SECRET",
    signature="secret in the address",
    batch="one, as a form",
    dedupe="kind, recipient, time",
    machine_open="no opens at all",
    retries="for 75 min; a GET first",
    tested_with="documented payloads",
)

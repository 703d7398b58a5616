"""Gravity Forms' webhooks add-on: an entry's fields by number, or chosen fields by name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from services.ingest.providers.contract import Account, Delivery, Provider, Reported
from services.ingest.providers.items import text
from services.ingest.providers.proofs import check_credential
from services.ingest.providers.submitted import flat_fields, submitted, this_post

# Of the entry itself, not answers.
_META = frozenset({
    "id", "form_id", "post_id", "date_created", "date_updated", "is_starred", "is_read", "ip",
    "source_url", "source_id", "user_agent", "currency", "payment_status", "payment_date",
    "payment_amount", "payment_method", "transaction_id", "transaction_type", "is_fulfilled",
    "created_by", "status", "form_title",
})  # fmt: skip
# A field for a name has its parts under these numbers.
_FIRST, _LAST = re.compile(r"\d+\.3"), re.compile(r"\d+\.6")


def verify(delivery: Delivery, secret: str, _account: Account) -> None:
    """Whoever knows the secret."""
    check_credential(delivery, secret)


def read(item: dict[str, Any], delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """The submission. An address is found by its look: all that a number says is the place."""
    fields = {name: value for name, value in item.items() if name not in _META and value != ""}
    first = next((name for name in fields if _FIRST.fullmatch(name)), "")
    last = first[:-1] + "6" if first else ""
    if first and _LAST.fullmatch(last) and isinstance(fields.get(last), str):
        fields["first_name"], fields["last_name"] = fields.pop(first), fields.pop(last)
    form = text(item, "form_title") or text(item, "form_id") or delivery.query.get("form", "")
    entry = text(item, "id")
    return (
        submitted(
            "form_submitted",
            fields,
            form=form or "gravityforms",
            at=item.get("date_created") or delivery.received_at.isoformat(),
            at_path="date_created",
            own_id=f"{text(item, 'form_id')}-{entry}" if entry else "",
            key=this_post(delivery),
            page=text(item, "source_url"),
        ),
    )


PROVIDER = Provider(
    name="gravityforms",
    title="Gravity Forms",
    verify=verify,
    split=flat_fields,
    read=read,
    proof="a secret in the address (?token=…), or the value of a header X-Webhook-Token",
    signature="credential",
    batch="one, JSON or form",
    dedupe="form and entry",
    machine_open="",
    retries="none",
    tested_with="documented payloads",
)

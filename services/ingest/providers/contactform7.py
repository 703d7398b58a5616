"""Contact Form 7, by one of the plugins that post a submission: flat fields, your-name and all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.ingest.providers.contract import Account, Delivery, Provider, Reported
from services.ingest.providers.items import text
from services.ingest.providers.proofs import check_credential
from services.ingest.providers.submitted import flat_fields, submitted, this_post


def verify(delivery: Delivery, secret: str, _account: Account) -> None:
    """Whoever knows the secret."""
    check_credential(delivery, secret)


def read(item: dict[str, Any], delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """The submission. The form is named by ?form=… of the address, or by its number."""
    form = delivery.query.get("form") or text(item, "_wpcf7") or "contactform7"
    return (
        submitted(
            "form_submitted",
            item,
            form=form,
            at=delivery.received_at.isoformat(),
            at_path="",
            key=this_post(delivery),
            page=text(item, "_wpcf7_container_url"),
        ),
    )


PROVIDER = Provider(
    name="contactform7",
    title="Contact Form 7",
    verify=verify,
    split=flat_fields,
    read=read,
    proof="a secret in the address (?token=…), or the value of a header X-Webhook-Token",
    signature="credential",
    batch="one, JSON or form",
    dedupe="each post is one: there is no id, and nothing is tried again",
    machine_open="",
    retries="none",
    tested_with="documented payloads",
)

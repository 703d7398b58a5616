"""Webflow forms: HMAC over time and body, or, of webhooks made by hand, a secret in the address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.ingest.providers.contract import Account, Delivery, Provider, Reported
from services.ingest.providers.items import single, text
from services.ingest.providers.proofs import (
    check_credential,
    check_same,
    check_window,
    hex_hmac,
)
from services.ingest.providers.submitted import submitted
from services.ingest.refusal import invalid

SIGNATURE_HEADER = "x-webflow-signature"
TIMESTAMP_HEADER = "x-webflow-timestamp"
# It tries three times, ten minutes apart, perhaps with the first signature.
WINDOW_SECONDS = 3600


def verify(delivery: Delivery, secret: str, account: Account) -> None:
    """Hex of HMAC-SHA256 over the time (ms), ":" and the raw body."""
    given = delivery.headers.get(SIGNATURE_HEADER, "")
    if not given:
        check_credential(delivery, secret)
        return
    at = delivery.headers.get(TIMESTAMP_HEADER, "")
    signed = f"{at}:".encode("utf-8", "replace") + delivery.body
    check_same(given, hex_hmac(secret, signed), SIGNATURE_HEADER)
    window = account.seconds("window_seconds", WINDOW_SECONDS)
    check_window(at, delivery.received_at, window, unit_ms=1)


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """The submission, of the second version of its API or of the first."""
    newer = "triggerType" in item
    if newer and text(item, "triggerType") != "form_submission":
        return ()
    payload = item.get("payload") if newer else item
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(payload, dict) or not isinstance(data, dict):
        raise invalid("items_missing", "The body has no data of a form.", "payload.data")
    at_path = "submittedAt" if newer else "d"
    return (
        submitted(
            "form_submitted",
            data,
            form=text(payload, "name") or text(payload, "formId"),
            at=payload.get(at_path),
            at_path=f"payload.{at_path}" if newer else at_path,
            own_id=text(payload, "id") or text(payload, "_id"),
            key=(text(payload, "formId"), text(payload, at_path), str(sorted(data.items()))),
            more={"site_id": text(payload, "siteId") or text(payload, "site")},
        ),
    )


PROVIDER = Provider(
    name="webflow",
    title="Webflow",
    verify=verify,
    split=single,
    read=read,
    proof="the app's client secret or the webhook's key; else a secret in the address (?token=…)",
    options={"window_seconds": "how far the signed time may be from now (3600; 0: not checked)"},
    signature="HMAC-SHA256 over time and raw body, or credential",
    batch="one",
    dedupe="`payload.id`",
    machine_open="",
    retries="3, ten minutes apart; 200 alone will do",
    tested_with="documented payloads",
)

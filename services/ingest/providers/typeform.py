"""Typeform: HMAC over the body; answers by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.ingest.providers.contract import Account, Delivery, Provider, Reported
from services.ingest.providers.items import kind_of, single, text
from services.ingest.providers.proofs import base64_hmac, check_same
from services.ingest.providers.submitted import submitted

SIGNATURE_HEADER = "typeform-signature"
EVENT_TYPES: dict[str, str | None] = {
    "form_response": "form_submitted",
    "form_response_partial": None,
}


def verify(delivery: Delivery, secret: str, _account: Account) -> None:
    """After "sha256=" base64 of HMAC-SHA256 over the raw body. No time is signed."""
    expected = f"sha256={base64_hmac(secret, delivery.body)}"
    check_same(delivery.headers.get(SIGNATURE_HEADER, ""), expected, SIGNATURE_HEADER)


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """The submission. Hidden fields bring the campaign, and may bring anonymous_id and email."""
    _, event_type = kind_of(item, EVENT_TYPES, "event_type")
    if not event_type:
        return ()
    response = item.get("form_response")
    response = response if isinstance(response, dict) else {}
    hidden = response.get("hidden")
    hidden = hidden if isinstance(hidden, dict) else {}
    definition = response.get("definition")
    definition = definition if isinstance(definition, dict) else {}
    fields, email = _answers(response.get("answers"), _titles(definition.get("fields")))
    more = {name: value for name, value in hidden.items() if not name.startswith("utm_")}
    anonymous_id, hidden_email = more.pop("anonymous_id", ""), more.pop("email", "")
    return (
        submitted(
            event_type,
            fields,
            form=text(definition, "title") or text(response, "form_id"),
            at=response.get("submitted_at"),
            at_path="form_response.submitted_at",
            own_id=text(response, "token"),
            key=(text(item, "event_id"),),
            email=email or str(hidden_email or ""),
            anonymous_id=str(anonymous_id or ""),
            tracking=hidden,
            more={**more, "form_id": text(response, "form_id")},
        ),
    )


def _titles(fields: object) -> dict[str, str]:
    """Field id → the question."""
    if not isinstance(fields, list):
        return {}
    return {text(one, "id"): text(one, "title") for one in fields if isinstance(one, dict)}


def _answers(answers: object, titles: dict[str, str]) -> tuple[dict[str, Any], str]:
    """By question, and the first answer to a question for an email address."""
    fields: dict[str, Any] = {}
    email = ""
    for answer in answers if isinstance(answers, list) else ():
        if not isinstance(answer, dict):
            continue
        kind = text(answer, "type")
        value = answer.get(kind)
        if isinstance(value, dict):  # one choice, or several
            value = value.get("label") or value.get("labels") or value.get("other")
        field = text(answer, "field", "id")
        name = titles.get(field) or text(answer, "field", "ref") or field
        if kind == "email" and isinstance(value, str):
            email = email or value
        elif kind == "phone_number":
            name = "phone"
        if name and value is not None:
            fields[name] = value
    return fields, email


PROVIDER = Provider(
    name="typeform",
    title="Typeform",
    verify=verify,
    split=single,
    read=read,
    proof="the secret that you give to the webhook",
    signature="HMAC-SHA256 over raw body",
    batch="one",
    dedupe="`form_response.token`",
    machine_open="",
    retries="for 10 h; 404 and 410 would end the webhook",
    tested_with="documented payloads",
)

"""Calendly: HMAC over time and body; meetings and routing forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.ingest.providers.contract import (
    Account,
    Delivery,
    Provider,
    Reported,
    missing,
)
from services.ingest.providers.items import kind_of, single, text
from services.ingest.providers.proofs import check_same, check_window, hex_hmac
from services.ingest.providers.submitted import submitted

SIGNATURE_HEADER = "calendly-webhook-signature"
# It tries again for about a day, perhaps with the first signature.
WINDOW_SECONDS = 26 * 3600

EVENT_TYPES: dict[str, str | None] = {
    "invitee.created": "meeting_booked",
    "invitee.canceled": "meeting_cancelled",
    "invitee_no_show.created": "meeting_missed",
    "invitee_no_show.deleted": None,
    "routing_form_submission.created": "form_submitted",
}


def verify(delivery: Delivery, secret: str, account: Account) -> None:
    """As "t=TIME,v1=HEX": HMAC-SHA256 over the time, "." and the raw body."""
    given = delivery.headers.get(SIGNATURE_HEADER, "")
    parts = dict(one.strip().partition("=")[::2] for one in given.split(",")[:10])
    at, signature = parts.get("t", ""), parts.get("v1", "")
    if not at or not signature:
        raise missing(SIGNATURE_HEADER)
    signed = f"{at}.".encode("utf-8", "replace") + delivery.body
    check_same(signature, hex_hmac(secret, signed), SIGNATURE_HEADER)
    window = account.seconds("window_seconds", WINDOW_SECONDS)
    check_window(at, delivery.received_at, window)


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """A meeting booked, called off, missed; a form. A meeting that moves is called off and booked:
    that it moved is all that is told.
    """
    kind, event_type = kind_of(item, EVENT_TYPES, "event")
    payload = item.get("payload")
    payload = payload if isinstance(payload, dict) else {}
    if not event_type or (kind == "invitee.canceled" and payload.get("rescheduled") is True):
        return ()
    if kind == "invitee.created" and payload.get("old_invitee"):
        event_type = "meeting_moved"
    person = payload.get("invitee")  # of a no-show
    person = person if isinstance(person, dict) else payload
    meeting = payload.get("scheduled_event")
    meeting = meeting if isinstance(meeting, dict) else {}
    tracking = payload.get("tracking")
    fields = _answers(payload.get("questions_and_answers"))
    if text(person, "name"):
        fields["name"] = text(person, "name")
    more = {
        "meeting": text(meeting, "name"), "starts_at": text(meeting, "start_time"),
        "reason": text(payload, "cancellation", "reason"),
    }  # fmt: skip
    return (
        submitted(
            event_type,
            fields,
            form=text(meeting, "name") or text(payload, "routing_form"),
            at=item.get("created_at"),
            at_path="created_at",
            key=(kind, text(person, "uri") or text(payload, "uri"), text(item, "created_at")),
            email=text(person, "email"),
            tracking=tracking if isinstance(tracking, dict) else {},
            more={name: value for name, value in more.items() if value},
        ),
    )


def _answers(given: object) -> dict[str, Any]:
    if not isinstance(given, list):
        return {}
    return {
        text(one, "question"): one.get("answer")
        for one in given
        if isinstance(one, dict) and text(one, "question")
    }


PROVIDER = Provider(
    name="calendly",
    title="Calendly",
    verify=verify,
    split=single,
    read=read,
    proof="the signing key that was given when the webhook was made",
    options={"window_seconds": "how far the signed time may be from now (93600; 0: not checked)"},
    signature="HMAC-SHA256 over time and raw body",
    batch="one",
    dedupe="kind, invitee, time",
    machine_open="",
    retries="for about a day; 200 within 15 s",
    tested_with="documented payloads",
)

"""Zoom webinars: HMAC over version, time and body; an address proves itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from services.ingest.providers.contract import Account, Answer, Delivery, Provider, Reported
from services.ingest.providers.items import kind_of, single, text
from services.ingest.providers.proofs import check_same, check_window, hex_hmac, same

SIGNATURE_HEADER = "x-zm-signature"
TIMESTAMP_HEADER = "x-zm-request-timestamp"
# It tries three times within 85 minutes, perhaps with the first signature.
WINDOW_SECONDS = 2 * 3600

EVENT_TYPES: dict[str, str | None] = {
    "webinar.registration_created": "webinar_registered",
    "webinar.participant_joined": "webinar_attended",
    "webinar.participant_left": "webinar_left",
    "endpoint.url_validation": None,
}


class _Plain(msgspec.Struct, rename="camel"):
    plain_token: str = ""


class _Validation(msgspec.Struct):
    event: str = ""
    payload: _Plain = msgspec.field(default_factory=_Plain)


_validation = msgspec.json.Decoder(_Validation)


def _signature(delivery: Delivery, secret: str) -> str:
    at = delivery.headers.get(TIMESTAMP_HEADER, "")
    signed = f"v0:{at}:".encode("utf-8", "replace") + delivery.body
    return f"v0={hex_hmac(secret, signed)}"


def verify(delivery: Delivery, secret: str, account: Account) -> None:
    """After "v0=" hex of HMAC-SHA256 over "v0:", the time, ":" and the raw body."""
    given = delivery.headers.get(SIGNATURE_HEADER, "")
    check_same(given, _signature(delivery, secret), SIGNATURE_HEADER)
    window = account.seconds("window_seconds", WINDOW_SECONDS)
    check_window(delivery.headers.get(TIMESTAMP_HEADER, ""), delivery.received_at, window)


def prove(delivery: Delivery, account: Account) -> Answer | None:
    """Zoom asks every 72 hours for a text of its own, hashed with the secret it signed with."""
    try:
        asked = _validation.decode(delivery.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if asked.event != "endpoint.url_validation":
        return None
    given = delivery.headers.get(SIGNATURE_HEADER, "")
    signed_by = [one for one in account.secrets if same(given, _signature(delivery, one))]
    plain = asked.payload.plain_token
    encrypted = hex_hmac(signed_by[0], plain.encode("utf-8", "replace")) if signed_by else ""
    return Answer(json.dumps({"plainToken": plain, "encryptedToken": encrypted}).encode())


def read(item: dict[str, Any], _delivery: Delivery, _account: Account) -> Sequence[Reported]:
    """Registered, joined or left. Whoever joins again attends the same webinar."""
    if not text(item, "event").startswith("webinar.") or text(item, "event") not in EVENT_TYPES:
        return ()
    kind, event_type = kind_of(item, EVENT_TYPES, "event")
    payload = item.get("payload")
    webinar = payload.get("object") if isinstance(payload, dict) else None
    webinar = webinar if isinstance(webinar, dict) else {}
    person = webinar.get("registrant") or webinar.get("participant")
    person = person if isinstance(person, dict) else {}
    registrant = text(person, "registrant_id") or text(person, "id")
    first, last = text(person, "first_name"), text(person, "last_name")
    which = text(webinar, "uuid") or text(webinar, "id")
    properties = {
        "provider_event": kind, "webinar": text(webinar, "topic"),
        "webinar_id": text(webinar, "id"), "starts_at": text(webinar, "start_time"),
        "planned_minutes": webinar.get("duration"), "signal_key": which,
    }  # fmt: skip
    if event_type == "webinar_left":
        properties |= {"reason": text(person, "leave_reason")}
        del properties["signal_key"]
    return (
        Reported(
            type=event_type,
            at=item.get("event_ts") or "",
            at_path="event_ts",
            key=(kind, text(item, "event_ts"), which, text(person, "participant_uuid")
                 or text(person, "user_id") or registrant),
            email=text(person, "email"),
            email_path="payload.object.participant.email",
            # The way from a registration to who comes, where there is no address.
            external={"zoom_registrant": registrant} if registrant else {},
            properties={name: value for name, value in properties.items() if value},
            traits={
                name: value
                for name, value in (("first_name", first), ("last_name", last),
                                    ("company", text(person, "org")),
                                    ("title", text(person, "job_title")))
                if value
            },
        ),
    )  # fmt: skip


PROVIDER = Provider(
    name="zoom",
    title="Zoom webinars",
    verify=verify,
    split=single,
    read=read,
    challenge=prove,
    proof="the app's secret token",
    options={"window_seconds": "how far the signed time may be from now (7200; 0: not checked)"},
    signature="HMAC-SHA256 over time and raw body",
    batch="one",
    dedupe="kind, time, webinar, participant",
    machine_open="",
    retries="3 within 85 min; 200 within 3 s; asks every 72 h whether we know the secret",
    tested_with="documented payloads",
)

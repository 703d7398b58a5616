"""From what an item says to an event of ours, the same for every provider. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from services.ingest.handling import Handling
from services.ingest.identities import Notes, external_ids
from services.ingest.json_checks import check_document, check_text, decode
from services.ingest.limits import EVENT_BYTES, IDENTIFIER_CHARACTERS, MESSAGE_ID_CHARACTERS
from services.ingest.providers.contract import Account, Delivery, Provider, Reported
from services.ingest.refusal import Refusal, invalid
from services.ingest.surroundings import kept_context
from services.ingest.timestamps import corrected, read_timestamp
from services.ingest.traits import flat_traits
from services.ingest.verdicts import judge
from shared.envelope import Event, Identifiers
from shared.id_form import is_placeholder
from shared.ids import derived_id

_item = msgspec.json.Decoder(dict[str, Any])


def read_item(
    raw: bytes | msgspec.Raw,
    provider: Provider,
    account: Account,
    delivery: Delivery,
    handling: Handling,
) -> list[Event]:
    """The events of one item, none for a kind that is left out. Raises Refusal when it can't be
    read.
    """
    if len(memoryview(raw)) > EVENT_BYTES:
        raise Refusal(413, "too_large", f"An item may have {EVENT_BYTES} bytes.")
    item = decode(_item, raw)
    check_document(item, "item")
    return [
        event_of(reported, account.source, delivery.received_at, handling)
        for reported in provider.read(item, delivery, account)
    ]


def event_of(reported: Reported, source: str, now: datetime, handling: Handling) -> Event:
    """The event. Raises Refusal: no valid identifier, no valid time."""
    context = kept_context(
        reported.context or _link(reported), {}, reported.user_agent, reported.ip, handling
    )
    if not reported.context:
        context.pop("page", None)  # the address of a click stands in the properties
    traits = flat_traits(reported.traits, "traits") if reported.traits else {}
    return Event(
        id=_id(reported),
        source=source,
        type=reported.type,
        occurred_at=_occurred(reported, now),
        received_at=now,
        identifiers=_who(reported, handling),
        properties=handling.kept(reported.properties, "properties"),
        traits=handling.kept(traits, "traits") if traits else {},
        context=context,
        consent=_consent(reported),
        verdict=judge(reported.user_agent, {}, reported.machine, reported.type),
    )


def _link(reported: Reported) -> dict[str, Any]:
    """A context for the campaign that stands in the address that was clicked."""
    return {"page": {"url": reported.properties.get("url", "")}}


def _consent(reported: Reported) -> dict[str, Any]:
    given = reported.context.get("consent")
    return given if isinstance(given, dict) else {}


def _id(reported: Reported) -> str:
    own = reported.id
    if own and len(own) <= MESSAGE_ID_CHARACTERS and "\x00" not in own:
        return own
    return derived_id(*((own,) if own else reported.key))


def _occurred(reported: Reported, now: datetime) -> datetime:
    if reported.at is None:
        return now
    return corrected(read_timestamp(reported.at, reported.at_path), None, now, reported.at_path)


def _who(reported: Reported, handling: Handling) -> Identifiers:
    email = handling.forms.email(reported.email) if reported.email else None
    phone = handling.forms.phone(reported.phone) if reported.phone else None
    user_id = reported.user_id.strip()
    if user_id:
        check_text(user_id, "user_id", IDENTIFIER_CHARACTERS)
    if is_placeholder(user_id):
        user_id = ""
    anonymous_id = reported.anonymous_id.strip()
    if anonymous_id:
        check_text(anonymous_id, "anonymous_id", IDENTIFIER_CHARACTERS)
    if is_placeholder(anonymous_id):
        anonymous_id = ""
    external = (
        external_ids(dict(reported.external), None, Notes(0, [])) if reported.external else {}
    )
    if not (email or phone or user_id or external or anonymous_id):
        raise invalid("email_invalid", "The item names no valid recipient.", reported.email_path)
    return Identifiers(
        email=email,
        user_id=user_id or None,
        anonymous_id=anonymous_id or None,
        phone=phone,
        external=external,
    )

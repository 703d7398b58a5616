"""From a Segment call to an event of ours: a pure function."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from services.ingest.crawlers import judge_user_agent
from services.ingest.identities import email_address, identifier, phone_number
from services.ingest.json_checks import check_document, check_text
from services.ingest.limits import (
    EVENT_NAME_CHARACTERS,
    EXTERNAL_IDS,
    IDENTIFIER_CHARACTERS,
    MESSAGE_ID_CHARACTERS,
)
from services.ingest.refusal import invalid
from services.ingest.surroundings import kept_context
from services.ingest.timestamps import corrected, read_timestamp
from services.ingest.traits import flat_traits
from shared.envelope import Event, Identifiers, Verdict
from shared.event_types import (
    ALIAS,
    GROUP,
    GROUP_TRAIT,
    IDENTIFY,
    STAGE_OVERRIDDEN,
    event_type_named,
)

KINDS = frozenset({"track", "identify", "page", "screen", "group", "alias"})
# Names that only their own calls may give: they do more than count.
_RESERVED = {
    IDENTIFY: "This event is made by /v1/identify alone.",
    ALIAS: "This event is made by /v1/alias alone.",
    GROUP: "This event is made by /v1/group alone.",
    STAGE_OVERRIDDEN: (
        "Stages are set by POST /v1/leads/{id}/stage of the read API, or by leadscore stage set."
    ),
}
_HUMAN_UNKNOWN = Verdict()
_NOTHING: dict[str, Any] = {}


class Call(msgspec.Struct, rename="camel"):
    """One call of Segment's HTTP API, as it comes; fields we don't know are passed over."""

    type: str | None = None
    message_id: str | None = None
    event: str | None = None
    name: str | None = None
    category: str | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    previous_id: str | int | None = None
    group_id: str | int | None = None
    timestamp: str | int | float | None = None
    original_timestamp: str | int | float | None = None
    sent_at: str | int | float | None = None
    properties: dict[str, Any] | None = None
    traits: dict[str, Any] | None = None
    context: dict[str, Any] | None = None
    write_key: str | None = None


class Arrival(msgspec.Struct, frozen=True):
    """What is known of the request that brought the calls.

    source: name of the key or form · public: sent by a browser, so the request's own user agent
    and address are the person's · request_id: random; calls without messageId get
    "request_id-index" · sent_at, context: of the batch, for calls without their own · ip: of the
    peer, still whole.
    """

    source: str
    public: bool
    received_at: datetime
    request_id: str
    user_agent: str = ""
    ip: str = ""
    sent_at: str | int | float | None = None
    context: dict[str, Any] = {}


def normalise(call: Call, kind: str, arrival: Arrival, index: int = 0) -> Event:
    """The event of one call. Raises Refusal (400) with the path of what can't be taken.

    kind: one of KINDS · index: place in the batch, for the id of calls without messageId.
    """
    if kind not in KINDS:
        raise invalid("type_unknown", f"The type is one of {', '.join(sorted(KINDS))}.", "type")
    context = _context(call, arrival)
    properties = call.properties or {}
    if properties:
        check_document(properties, "properties")
    if call.traits:
        check_document(call.traits, "traits")
    event_type, properties = _type_and_properties(call, kind, properties)
    who, traits = _who(call, kind, context)
    if event_type == GROUP:
        # The newest by occurrence stands, as with every trait: it tells the person's company.
        traits = {**traits, GROUP_TRAIT: properties["group_id"]}
    kept = kept_context(
        context,
        properties,
        arrival.user_agent if arrival.public else "",
        arrival.ip if arrival.public else "",
    )
    consent = context.get("consent")
    return Event(
        id=_event_id(call.message_id, arrival.request_id, index),
        source=arrival.source,
        type=event_type,
        occurred_at=_occurred(call, arrival),
        received_at=arrival.received_at,
        identifiers=who,
        properties=properties,
        traits=traits,
        context=kept,
        consent=consent if isinstance(consent, dict) else _NOTHING,
        verdict=judge_user_agent(kept.get("user_agent", "")) if arrival.public else _HUMAN_UNKNOWN,
    )


def _context(call: Call, arrival: Arrival) -> dict[str, Any]:
    """The call's own context over that of its batch, checked."""
    context = call.context
    if not context:
        return arrival.context
    check_document(context, "context")
    return {**arrival.context, **context} if arrival.context else context


def _event_id(message_id: str | None, request_id: str, index: int) -> str:
    if not message_id:
        return f"{request_id}-{index}"
    check_text(message_id, "messageId", MESSAGE_ID_CHARACTERS)
    return message_id


def _occurred(call: Call, arrival: Arrival) -> datetime:
    given, path = call.timestamp, "timestamp"
    if given is None or given == "":
        given, path = call.original_timestamp, "originalTimestamp"
    if given is None or given == "":
        return arrival.received_at
    occurred = read_timestamp(given, path)
    sent = call.sent_at if call.sent_at is not None else arrival.sent_at
    if sent is None or sent == "":
        return corrected(occurred, None, arrival.received_at, path)
    # Many senders give the same text twice.
    sent_at = occurred if sent == given else read_timestamp(sent, "sentAt")
    return corrected(occurred, sent_at, arrival.received_at, path)


def _type_and_properties(
    call: Call, kind: str, properties: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The type of the event, and its properties with what the kind of call adds."""
    if kind == "track":
        return _tracked_type(call.event), properties
    if kind in ("page", "screen"):
        for field, value in (("name", call.name), ("category", call.category)):
            if value:
                check_text(value, field)
                properties = {**properties, field: value}
        return "page_viewed", properties
    if kind == "identify":
        return IDENTIFY, properties
    if kind == "group":
        group_id = identifier(call.group_id, "groupId")
        if group_id is None:
            raise invalid("group_missing", "group needs a groupId.", "groupId")
        return GROUP, {**properties, "group_id": group_id, "group_traits": call.traits or {}}
    previous_id = identifier(call.previous_id, "previousId")
    if previous_id is None:
        raise invalid("previous_missing", "alias needs a previousId.", "previousId")
    return ALIAS, {**properties, "previous_id": previous_id}


def _tracked_type(name: str | None) -> str:
    if name is None or not name.strip():
        raise invalid("event_missing", "track needs the name of the event.", "event")
    name = name.strip()
    check_text(name, "event", EVENT_NAME_CHARACTERS)
    event_type = event_type_named(name)
    if event_type in _RESERVED:
        raise invalid("event_reserved", _RESERVED[event_type], "event")
    return event_type


def _who(call: Call, kind: str, context: dict[str, Any]) -> tuple[Identifiers, dict[str, Any]]:
    """The identifiers, at least one, and the traits of the person."""
    own = call.traits if kind != "group" else None
    contextual = context.get("traits")
    path = "traits" if own else "context.traits"
    traits = flat_traits(own or (contextual if isinstance(contextual, dict) else None), path)
    user_id = identifier(call.user_id, "userId")
    given = traits.get("email")
    email = email_address(given) if isinstance(given, str) else None
    if user_id is not None and "@" in user_id and (address := email_address(user_id)):
        user_id = address
        email = email or address
    who = Identifiers(
        email=email,
        user_id=user_id,
        anonymous_id=identifier(call.anonymous_id, "anonymousId"),
        phone=phone_number(traits.get("phone")) if "phone" in traits else None,
        external=_external_ids(context.get("externalIds")),
    )
    if kind == "alias" and user_id is None:
        raise invalid("identity_missing", "alias needs a userId.", "userId")
    if who.user_id or who.anonymous_id or who.email or who.phone or who.external:
        return who, traits
    if given:
        raise invalid("email_invalid", "This is not an email address.", f"{path}.email")
    raise invalid("identity_missing", "Send a userId or an anonymousId.", "userId")


def _external_ids(given: object) -> dict[str, str]:
    """Segment's externalIds ([{id, type}]) as {type: id}; other shapes are passed over."""
    if not isinstance(given, list):
        return {}
    kept: dict[str, str] = {}
    for item in given[:EXTERNAL_IDS]:
        if not isinstance(item, dict):
            continue
        kind, value = item.get("type"), item.get("id")
        if isinstance(kind, str) and isinstance(value, str) and kind and value:
            kept[kind[:64]] = value[:IDENTIFIER_CHARACTERS]
    return kept

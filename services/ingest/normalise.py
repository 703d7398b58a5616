"""From a Segment call to an event of ours: a pure function."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from services.ingest.commerce import COMMERCE, checked
from services.ingest.handling import PLAIN, Handling
from services.ingest.identities import (
    PLACEHOLDER,
    UNREADABLE,
    LeftOut,
    Notes,
    external_ids,
    given_id,
)
from services.ingest.json_checks import check_document, check_text
from services.ingest.limits import (
    EVENT_NAME_CHARACTERS,
    MESSAGE_ID_CHARACTERS,
)
from services.ingest.refusal import invalid
from services.ingest.surroundings import kept_context, user_agent_of
from services.ingest.timestamps import corrected, read_timestamp
from services.ingest.traits import flat_traits
from services.ingest.verdicts import judge
from shared.envelope import Event, Identifiers
from shared.event_types import (
    ALIAS,
    EVENTS_JUDGED,
    GROUP,
    GROUP_TRAIT,
    IDENTIFY,
    STAGE_OVERRIDDEN,
    event_type_named,
)
from shared.id_form import is_placeholder

KINDS = frozenset({"track", "identify", "page", "screen", "group", "alias"})
# Names that only their own calls may give: they do more than count.
_RESERVED = {
    IDENTIFY: "This event is made by /v1/identify alone.",
    ALIAS: "This event is made by /v1/alias alone.",
    GROUP: "This event is made by /v1/group alone.",
    STAGE_OVERRIDDEN: (
        "Stages are set by POST /v1/leads/{id}/stage of the read API, or by leadscore stage set."
    ),
    EVENTS_JUDGED: (
        "Events are judged by POST /v1/leads/{id}/judge of the read API, or leadscore lead judge."
    ),
}
# Properties without which such an event would be nothing: they stay, whatever lists say.
_NEEDED = {ALIAS: frozenset({"previous_id"}), GROUP: frozenset({"group_id"})}
_NO_NAMES: frozenset[str] = frozenset()
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
    external: dict[str, Any] | None = None
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
    peer, still whole · machine: why the request is no person's, "" if nothing says so · handling:
    what the settings say · left_out: filled by `normalise` with the
    identifiers that it leaves out.
    """

    source: str
    public: bool
    received_at: datetime
    request_id: str
    user_agent: str = ""
    ip: str = ""
    machine: str = ""
    sent_at: str | int | float | None = None
    context: dict[str, Any] = {}
    handling: Handling = PLAIN
    left_out: list[LeftOut] = []


def normalise(call: Call, kind: str, arrival: Arrival, index: int = 0) -> Event:
    """The event of one call. Raises Refusal (400) with the path of what can't be taken.

    kind: one of KINDS · index: place in the batch, for the id of calls without messageId.
    """
    if kind not in KINDS:
        raise invalid("type_unknown", f"The type is one of {', '.join(sorted(KINDS))}.", "type")
    handling = arrival.handling
    context = _context(call, arrival)
    properties = call.properties or {}
    if properties:
        check_document(properties, "properties")
    if call.traits:
        check_document(call.traits, "traits")
    event_type, properties = _type_and_properties(call, kind, properties, handling)
    if event_type in COMMERCE:
        properties = checked(event_type, properties, public=arrival.public)
    properties = handling.kept(properties, "properties", _NEEDED.get(event_type, _NO_NAMES))
    who, traits = _who(call, kind, context, arrival, index)
    if event_type == GROUP:
        # The newest by occurrence stands, as with every trait: it tells the person's company.
        traits = {**traits, GROUP_TRAIT: properties["group_id"]}
    agent = user_agent_of(context, arrival.user_agent if arrival.public else "")
    address = arrival.ip if arrival.public else ""
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
        context=kept_context(context, properties, agent, address, handling),
        consent=consent if isinstance(consent, dict) else _NOTHING,
        verdict=judge(agent, context, arrival.machine, event_type),
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
    call: Call, kind: str, properties: dict[str, Any], handling: Handling
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
        group_id = given_id(call.group_id, "groupId")
        if group_id is None or is_placeholder(group_id):
            raise invalid("group_missing", "group needs a groupId.", "groupId")
        return GROUP, {**properties, "group_id": group_id, "group_traits": call.traits or {}}
    previous_id = given_id(call.previous_id, "previousId")
    if previous_id is None or is_placeholder(previous_id):
        raise invalid("previous_missing", "alias needs a previousId.", "previousId")
    # An address that is a user id is kept in its one spelling: it must be found by it.
    address = handling.forms.email(previous_id) if "@" in previous_id else None
    return ALIAS, {**properties, "previous_id": address or previous_id}


def _tracked_type(name: str | None) -> str:
    if name is None or not name.strip():
        raise invalid("event_missing", "track needs the name of the event.", "event")
    name = name.strip()
    check_text(name, "event", EVENT_NAME_CHARACTERS)
    event_type = event_type_named(name)
    if event_type in _RESERVED:
        raise invalid("event_reserved", _RESERVED[event_type], "event")
    return event_type


def _who(
    call: Call, kind: str, context: dict[str, Any], arrival: Arrival, index: int
) -> tuple[Identifiers, dict[str, Any]]:
    """The identifiers, at least one, and the traits of the person."""
    handling, notes = arrival.handling, Notes(index, arrival.left_out)
    own = call.traits if kind != "group" else None
    contextual = context.get("traits")
    path = "traits" if own else "context.traits"
    traits = flat_traits(own or (contextual if isinstance(contextual, dict) else None), path)
    if traits:
        traits = handling.kept(traits, "traits")
    user_id = given_id(call.user_id, "userId")
    if user_id is not None and is_placeholder(user_id):
        notes.leave_out("user_id", PLACEHOLDER, "userId")
        user_id = None
    anonymous_id = given_id(call.anonymous_id, "anonymousId")
    if anonymous_id is not None and is_placeholder(anonymous_id):
        notes.leave_out("anonymous_id", PLACEHOLDER, "anonymousId")
        anonymous_id = None
    email, phone = _contacts(traits, path, handling, notes) if traits else (None, None)
    if user_id is not None and "@" in user_id and (address := handling.forms.email(user_id)):
        user_id = address
        email = email or address
    segments = context.get("externalIds")
    who = Identifiers(
        email=email,
        user_id=user_id,
        anonymous_id=anonymous_id,
        phone=phone,
        external=external_ids(call.external, segments, notes) if call.external or segments else {},
    )
    if kind == "alias" and user_id is None:
        raise invalid("identity_missing", "alias needs a userId.", "userId")
    if who.user_id or who.anonymous_id or who.email or who.phone or who.external:
        return who, traits
    if traits.get("email"):
        raise invalid("email_invalid", "This is not an email address.", f"{path}.email")
    if given_id(call.user_id, "userId") or given_id(call.anonymous_id, "anonymousId"):
        raise invalid(
            "identity_placeholder",
            "The ids stand for nobody: leave them out, or say who.",
            "userId",
        )
    raise invalid("identity_missing", "Send a userId or an anonymousId.", "userId")


def _contacts(
    traits: dict[str, Any], path: str, handling: Handling, notes: Notes
) -> tuple[str | None, str | None]:
    """(email, phone) of the traits; what can't be read stays a trait alone."""
    email = phone = None
    if isinstance(given := traits.get("email"), str) and given:
        email = handling.forms.email(given)
        if email is None:
            notes.leave_out("email", UNREADABLE, f"{path}.email")
    if isinstance(given := traits.get("phone"), str) and given:
        phone = handling.forms.phone(given)
        if phone is None:
            notes.leave_out("phone", UNREADABLE, f"{path}.phone")
    return email, phone

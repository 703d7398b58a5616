"""A submitted form as a Segment call: a pure function, used by /v1/forms and by the beacon."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from services.ingest.form_fields import Fields, part_answers
from services.ingest.normalise import Arrival, Call, normalise
from services.ingest.refusal import Refusal, invalid
from shared.consent import PURPOSES
from shared.envelope import Event, Verdict
from shared.event_types import IDENTIFY, STANDARD_EVENT_TYPES, event_type_named

# A field that people don't see and programs fill in.
HONEYPOT: Final = "_gotcha"

_FORM_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}")
_BOT = Verdict("bot", "honeypot")


def form_name(given: object) -> str:
    """The name of a form, as it stands in `source` and properties. Raises Refusal (400)."""
    if isinstance(given, str) and _FORM_NAME.fullmatch(given):
        return given
    raise invalid(
        "form_name_invalid", "A form's name has 1 to 64 letters, digits, or one of _ . -", "form"
    )


def form_event(form: str, fields: Fields, call: Call, arrival: Arrival, index: int = 0) -> Event:
    """The event of a submitted form. Raises Refusal (400) with the name of the field at fault.

    form: checked by `form_name` · call: ids, time and context that came beside the fields; an id
    or type among the fields ("_anonymous_id", "_event", …) counts where it has none. A filled
    honeypot makes the verdict bot, so that the event is kept and scores nothing.
    """
    answers = part_answers(fields)
    agreed = _agreed(fields)
    if agreed:
        context = call.context or {}
        said = context.get("consent")
        said = {**said, **agreed} if isinstance(said, dict) else agreed
        call = msgspec.structs.replace(call, context={**context, "consent": said})
    whole = msgspec.structs.replace(
        call,
        event=_event_type(call.event or _own(fields, "_event")),
        message_id=call.message_id or _own(fields, "_message_id"),
        anonymous_id=call.anonymous_id or _own(fields, "_anonymous_id"),
        user_id=call.user_id or _own(fields, "_user_id"),
        # As with any call: when it happened, for forms that are sent on later.
        timestamp=call.timestamp or _own(fields, "_timestamp"),
        properties={**answers.properties, "form": form},
        traits=answers.traits,
    )
    try:
        event = normalise(whole, "track", arrival, index)
    except Refusal as refusal:
        raise _in_terms_of_the_form(refusal, answers.named) from None
    if _own(fields, HONEYPOT):
        return msgspec.structs.replace(event, verdict=_BOT)
    return event


def _agreed(fields: Fields) -> dict[str, Any]:
    """The purposes that were ticked (`_consent`), with the version of the text (`_consent_text`).
    What isn't ticked says nothing: the person may have agreed elsewhere.
    """
    given = fields.get("_consent")
    text = _own(fields, "_consent_text")
    answer = {"granted": True, "text": text} if text else {"granted": True}
    ticked = given if isinstance(given, list) else [given]
    return {one: answer for one in ticked if isinstance(one, str) and one in PURPOSES}


def _event_type(name: str | None) -> str:
    if name is None:
        return "form_submitted"
    event_type = event_type_named(name)
    if event_type not in STANDARD_EVENT_TYPES or event_type == IDENTIFY:
        raise invalid(
            "event_unknown", "_event names a standard type, such as content_downloaded.", "_event"
        )
    return event_type


def _own(fields: Fields, name: str) -> str | None:
    """One of the form's own fields, trimmed; None when empty. The last one counts."""
    value: Any = fields.get(name)
    if isinstance(value, list) and value:
        value = value[-1]
    return value.strip() or None if isinstance(value, str) else None


def _in_terms_of_the_form(refusal: Refusal, named: dict[str, str]) -> Refusal:
    """The refusal with the form's own name for what is wrong."""
    if refusal.code == "identity_missing":
        return invalid(
            refusal.code, "The form needs an email address.", named.get("email", "email")
        )
    path = refusal.path
    for prefix in ("traits.", "properties."):
        if path.startswith(prefix):
            path = path.removeprefix(prefix)
            return Refusal(refusal.status, refusal.code, refusal.message, named.get(path, path))
    hidden = {
        "messageId": "_message_id",
        "anonymousId": "_anonymous_id",
        "userId": "_user_id",
        "timestamp": "_timestamp",
    }
    return Refusal(refusal.status, refusal.code, refusal.message, hidden.get(path, path))

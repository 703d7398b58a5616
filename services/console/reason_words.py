"""Reasons as one would say them: a rule's own sentence, filled in from the event. Pure."""

from __future__ import annotations

import re
from typing import Any

from shared.ledger import Entry

TEXT_MAX_CHARS = 200

_PLACE = re.compile(r"\{([A-Za-z0-9_.$\- ]+)\}")


def needs_event(say: str) -> bool:
    """Whether a sentence has places to fill in, so that the event's fields must be read."""
    return "{" in say


def reason_in_words(say: str, event_type: str, fields: dict[str, Any], entry: Entry) -> str:
    """Why these points. A sentence with a place that the event can't fill gives way to the type.

    fields: the event's properties, traits and context, or empty if the sentence needs none.
    """
    said = _filled(say, fields) or event_type.replace("_", " ")
    match entry.clipped:
        case "":
            return said
        case "taken back":
            return f"no longer: {said}"
        case cut:
            return f"{said} ({cut}: {entry.points:g} of {entry.raw:g} points)"


def _filled(say: str, fields: dict[str, Any]) -> str:
    if not needs_event(say):
        return say
    found = {path: _text_at(fields, path) for path in _PLACE.findall(say)}
    if not all(found.values()):
        return ""
    return _PLACE.sub(lambda place: found[place[1]], say)


def _text_at(fields: dict[str, Any], path: str) -> str:
    value: Any = fields
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None or isinstance(value, dict | list):
        return ""
    return " ".join(str(value).split())[:TEXT_MAX_CHARS]

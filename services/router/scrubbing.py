"""What no text of a packet may carry, wherever it came from: addresses, numbers, queries. Pure.

Titles, names of forms and a rule's words quote what senders wrote. So every text of a packet is
gone through once more, but for the few fields that are meant to hold such things.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from shared.envelope import Event

# Where identifiers, ids and links of ours stand: told as they are. Paths as in Packet["who"]["…"].
AS_THEY_ARE: Final = frozenset((
    "who.emails", "who.phones", "who.user_ids", "who.anonymous_ids", "who.external_ids",
    "who.traits.phone", "what_changed.event_id", "what_changed.source", "last_actions.source",
    "link", "links", "lead_id", "merged_from",
))  # fmt: skip

ADDRESS: Final = "[address]"
NUMBER: Final = "[number]"
_USER_IN_URL = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}://)[^\s/?#@]{1,500}@")
_AFTER_PATH = re.compile(r"(?i)\b(https?://[^\s?#]{1,500})[?#]\S*")
# Both sides are bounded: no text makes the search slow.
_ADDRESS = re.compile(
    r"(?i)[^\s@<>\"'(),;:=/“”‘’\[\]]{1,100}(?:@|%40|＠)[^\s@<>\"'(),;:=/?#“”‘’\[\]]{1,200}"
)
_NUMBER = re.compile(r"(?:\+|\b00)\d(?:[\s().-]{0,2}\d){7,16}")
# What all of them have: most texts have none of it, and are told by one look.
_MARK = re.compile(r"[@＠]|://|%40|\+\d|\b00\d[\s().-]{0,2}\d")


def scrubbed(text: str) -> str:
    """Without email addresses, phone numbers with a country's code, and what follows the path of
    a URL.
    """
    if not _MARK.search(text):
        return text
    text = _USER_IN_URL.sub(r"\1", text)
    text = _AFTER_PATH.sub(r"\1", text)
    return _NUMBER.sub(NUMBER, _ADDRESS.sub(ADDRESS, text))


def scrubbed_event(event: Event) -> Event:
    """With every text that a rule's words may quote scrubbed: they cut what they quote, and half an
    address is still somebody's.
    """
    return msgspec.structs.replace(
        event,
        properties=swept(event.properties, "event"),
        traits=swept(event.traits, "event"),
        context=swept(event.context, "event"),
        consent=swept(event.consent, "event"),
    )


def swept(value: Any, path: str = "") -> Any:
    """A packet as plain values, with every text scrubbed but those of AS_THEY_ARE, keys too."""
    if path in AS_THEY_ARE:
        return value
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, dict):
        inside = f"{path}." if path else ""
        return {scrubbed(name): swept(each, inside + name) for name, each in value.items()}
    if isinstance(value, list):
        return [swept(each, path) for each in value]
    return value

"""An erased person's identifiers, taken out of what others' events and traits say. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from shared.event_types import LEADS_MERGED, OPERATOR
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL, KIND_NAMES, PHONE, USER_ID, Identifier

# What stands where an address was, inside a longer text.
ERASED = "[erased]"
# Shorter ids are ordinary words and numbers too: they are only looked for where ids stand.
TELLING_CHARACTERS = 8
# What is left of an operator's order about two leads when one of them is erased.
OBSOLETE_ORDER = "order_about_an_erased_lead"


class Scrubber:
    """Knows the identifiers of one person."""

    def __init__(self, identifiers: Iterable[Identifier]) -> None:
        self._gone = set(identifiers)
        telling = {
            value
            for kind, value in self._gone
            if kind in {EMAIL, PHONE} or len(value) >= TELLING_CHARACTERS
        }
        self._exact = {value.lower() for value in telling}
        self._within = [value for kind, value in self._gone if kind in {EMAIL, PHONE}]
        texts = {
            value.partition(":")[2] if kind == EXTERNAL else value for kind, value in self._gone
        }
        self._needles = [msgspec.json.encode(text)[1:-1].lower() for text in texts]

    def body(self, stored: bytes, own: Identifier | None) -> bytes | None:
        """An event's JSON without the person; None where it doesn't name them.

        own: an identifier of the lead whose event it is, for one that would name nobody.
        """
        lowered = stored.lower()
        if not any(needle in lowered for needle in self._needles):
            return None
        before: dict[str, Any] = msgspec.json.decode(stored)
        after = {**before, "identifiers": self._identifiers(before.get("identifiers") or {})}
        for part in ("properties", "traits", "context", "consent"):
            if part in before:
                after[part] = self.cleaned(before[part])
        self._links(before, after)
        if not after["identifiers"] and own is not None:
            after["identifiers"] = _as_identifiers(own)
        return None if after == before else msgspec.json.encode(after)

    def _links(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Where an event says that the person is the same as this one: that is void."""
        said: dict[str, Any] = before.get("properties") or {}
        previous, same_as = said.get("previous_id"), said.get("same_as")
        if isinstance(previous, str) and {(USER_ID, previous), (ANONYMOUS, previous)} & self._gone:
            after["properties"].pop("previous_id", None)
        if before.get("type") != LEADS_MERGED or before.get("source") != OPERATOR:
            return
        other = self._identifiers(same_as) if isinstance(same_as, dict) else {}
        if after["identifiers"] == before["identifiers"] and other == same_as:
            return
        after["type"] = OBSOLETE_ORDER
        after["identifiers"] = after["identifiers"] or other
        after["properties"].pop("same_as", None)

    def _identifiers(self, who: dict[str, Any]) -> dict[str, Any]:
        kinds = {name: kind for kind, name in KIND_NAMES.items()}
        kept: dict[str, Any] = {}
        for name, value in who.items():
            if name == "external":
                left = {
                    system: one
                    for system, one in value.items()
                    if (EXTERNAL, f"{system}:{one}") not in self._gone
                }
                if left:
                    kept[name] = left
            elif (kinds.get(name), value) not in self._gone:
                kept[name] = value
        return kept

    def cleaned(self, value: Any) -> Any:
        """Any JSON value without texts that are the person's, and without their addresses."""
        if isinstance(value, str):
            for one in self._within:
                value = _without(value, one)
            return value
        if isinstance(value, dict):
            return {
                name: self.cleaned(one) for name, one in value.items() if not self._is_theirs(one)
            }
        if isinstance(value, list):
            return [self.cleaned(one) for one in value if not self._is_theirs(one)]
        return value

    def _is_theirs(self, value: Any) -> bool:
        return isinstance(value, str) and value.strip().lower() in self._exact


def _without(text: str, address: str) -> str:
    """The text with each appearance of the address replaced, however its letters are written."""
    found = text.lower().find(address.lower())
    while found >= 0 and len(text.lower()) == len(text):
        text = text[:found] + ERASED + text[found + len(address) :]
        found = text.lower().find(address.lower(), found + len(ERASED))
    return text


def _as_identifiers(own: Identifier) -> dict[str, Any]:
    kind, value = own
    if kind == EXTERNAL:
        system, _, name = value.partition(":")
        return {"external": {system: name}}
    return {KIND_NAMES[kind]: value}

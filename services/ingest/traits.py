"""Traits: a small flat table about a person."""

from __future__ import annotations

from typing import Any

from services.ingest.limits import TRAIT_NAME_CHARACTERS, TRAIT_TEXT_CHARACTERS, TRAITS
from services.ingest.metrics import TRAITS_LEFT_OUT
from services.ingest.refusal import invalid


def flat_traits(traits: dict[str, Any] | None, path: str) -> dict[str, Any]:
    """The traits that are kept: texts, numbers, true, false and null (null takes a trait away).

    Nested objects and lists are left out and counted: SDKs send them as a matter of course
    ("address", "company"), and refusing the person for that would lose the identify.
    Raises Refusal (400) for more than 64 names or a text longer than 512 characters.
    """
    if not traits:
        return {}
    kept: dict[str, Any] = {}
    for name, value in traits.items():
        if isinstance(value, (dict, list)):
            TRAITS_LEFT_OUT.inc()
            continue
        if isinstance(value, str) and len(value) > TRAIT_TEXT_CHARACTERS:
            raise invalid(
                "text_too_long",
                f"A trait may have {TRAIT_TEXT_CHARACTERS} characters.",
                f"{path}.{name}",
            )
        if len(name) > TRAIT_NAME_CHARACTERS:
            raise invalid(
                "key_too_long",
                f"The name of a trait may have {TRAIT_NAME_CHARACTERS} characters.",
                path,
            )
        kept[name] = value
    if len(kept) > TRAITS:
        raise invalid("too_many_traits", f"A person may have {TRAITS} traits.", path)
    return kept

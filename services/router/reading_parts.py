"""Reading a message's data without trust: what isn't of the shape that is meant is nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from services.router.paper import ITEMS_MAX, TEXT_MAX, plain

_EMPTY: Final[Mapping[str, Any]] = {}
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z")


def part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object within; an empty one where there is none."""
    found = data.get(name)
    return found if isinstance(found, Mapping) else _EMPTY


def items(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects of a list."""
    found = data.get(name)
    if not isinstance(found, list):
        return []
    return [one for one in found[:ITEMS_MAX] if isinstance(one, Mapping)]


def texts(data: Mapping[str, Any], name: str) -> list[str]:
    """The texts of a list, empty ones left out."""
    found = data.get(name)
    if not isinstance(found, list):
        return []
    return [words for one in found[:ITEMS_MAX] if (words := text(one))]


def text(value: Any, most: int = TEXT_MAX) -> str:
    """A text as one line; "" for anything else."""
    return plain(value, most) if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """A number that can be told; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -1e15 < value < 1e15 else None


def day(value: Any) -> str:
    """Of an instant in RFC 3339, in UTC: 3 May 2026, 09:20 UTC; "" for anything else."""
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return ""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return ""
    return f"{at.day} {at:%B} {at.year}, {at:%H:%M} UTC"


def facts(value: Any) -> tuple[tuple[str, str], ...]:
    """Names and values of an object, as far as they are texts or numbers; _ in names is a space."""
    if not isinstance(value, Mapping):
        return ()
    told = [
        (plain(name, 60).replace("_", " "), plain(one))
        for name, one in list(value.items())[: 4 * ITEMS_MAX]
        if isinstance(name, str)
    ]
    return tuple((name, words) for name, words in told if name and words)[:ITEMS_MAX]

"""A rule's reason in words: its `say`, with fields of the event filled in.

Only {FIELD} and {FIELD|words when it is missing} are replaced, once; what is filled in is cut and
cleaned of control characters, and never read again. The result is plain text: whoever puts it
into HTML or mail escapes it there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from shared.envelope import Event

MAX_VALUE = 120
MAX_WORDS = 300

_FIELD = re.compile(r"\{([A-Za-z_][^{}|]{0,199})(?:\|([^{}|]{0,200}))?\}")
_SPACE = re.compile(r"\s+")


def fields_in(say: str) -> list[str]:
    """The field paths that a wording names."""
    return [found[1].strip() for found in _FIELD.finditer(say)]


def in_words(say: str, event: Event | Mapping[str, Any]) -> str:
    """The wording for an event (or its envelope as JSON values); for an empty wording, its type."""

    def fill(found: re.Match[str]) -> str:
        return _text(_read(event, found[1].strip())) or found[2] or ""

    text = _FIELD.sub(fill, say) if say else ""
    text = _clean(text) or _clean(str(_read(event, "type") or "")).replace("_", " ")
    return text if len(text) <= MAX_WORDS else text[: MAX_WORDS - 1] + "…"


def _read(event: Event | Mapping[str, Any], path: str) -> Any:
    value: Any = event
    for number, key in enumerate(path.split(".")):
        if isinstance(value, Mapping):
            value = value.get(key)
        elif number < 2 and key in getattr(value, "__struct_fields__", ()):
            value = getattr(value, key)
        else:
            return None
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else ""
    if isinstance(value, list):
        return _clean(", ".join(filter(None, (_text(item) for item in value[:5]))))[:MAX_VALUE]
    if not isinstance(value, str):
        return ""
    text = _clean(value[: 4 * MAX_VALUE])
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def _clean(text: str) -> str:
    """Without control, format and surrogate characters; runs of space become one."""
    if text.isprintable():  # the usual case: nothing of category C is in it
        return _SPACE.sub(" ", text).strip()
    kept = "".join(
        " " if char in "\n\r\t" else char
        for char in text
        if char in "\n\r\t" or unicodedata.category(char)[0] != "C"
    )
    return _SPACE.sub(" ", kept).strip()

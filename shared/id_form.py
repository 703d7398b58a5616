"""Ids as they are kept, and those that name nobody: placeholders, devices. Pure."""

from __future__ import annotations

import re
import unicodedata

ID_CHARACTERS = 256

# What programs send when they know nobody. As an identifier it would make one person of thousands.
PLACEHOLDERS: frozenset[str] = frozenset({
    "null", "(null)", "<null>", "nil", "none", "(none)", "undefined", "unknown", "anonymous",
    "anon", "guest", "visitor", "nobody", "n/a", "na", "nan", "-1", "true", "false", "empty",
    "(not set)", "not set", "not_set", "not available", "deleted", "[object object]", "{}", "[]",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
})  # fmt: skip
# Fields of a template that nobody filled in: {{user_id}}, ${id}, %%email%%, *|UNIQID|*, [[id]].
_TEMPLATE = re.compile(r"\{\{.*\}\}|\$\{.*\}|%%.*%%|\*\|.*\|\*|\[\[.*\]\]|<%.*%>", re.DOTALL)
_ZEROS = "0-"
_TEMPLATE_STARTS = frozenset("{$%*[<")

_SYSTEM = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,63}")
# Ids that Segment's libraries send along, of a device or a browser: they name no person.
DEVICE_SYSTEMS: frozenset[str] = frozenset({
    "android.idfa", "android.push_token", "ios.idfa", "ios.idfv", "ios.push_token",
    "device_id", "ga_client_id", "cross_domain_id", "fbp", "fbc", "gclid",
})  # fmt: skip


def id_form(given: str) -> str:
    """An id trimmed, and in Unicode's form NFC; upper and lower case stay, they may differ."""
    text = given.strip()
    return text if text.isascii() else unicodedata.normalize("NFC", text).strip()


def is_placeholder(value: str) -> bool:
    """Does an id (in its form) say that nobody is known? Zeros alone do, too."""
    if value.lower() in PLACEHOLDERS:
        return True
    # Nearly every id begins with something else.
    first = value[:1]
    if first in _ZEROS:
        return not value.strip(_ZEROS)
    return first in _TEMPLATE_STARTS and _TEMPLATE.fullmatch(value) is not None


def system_form(given: str) -> str | None:
    """The name of the system an external id is of: lower case, 1 to 64 letters, digits, or one of
    _ . - after the first; None when it can't be one.
    """
    name = given.strip().lower().replace(" ", "_")
    return name if _SYSTEM.fullmatch(name) else None

"""Lists of patterns in settings, as regular expressions that take linear time. Pure."""

from __future__ import annotations

import re
from typing import Any

import re2

_ALLOWED = re.compile(r"[\w.*?$ \-]+")


def patterns_in(text: str) -> list[str]:
    """The patterns of a list parted by commas, in lower case. Raises ValueError."""
    found = [part.strip().lower() for part in text.split(",") if part.strip()]
    for pattern in found:
        if not _ALLOWED.fullmatch(pattern):
            raise ValueError(f"pattern {pattern!r}: letters, digits, _ - . $, with * and ? for any")
    return found


def names_pattern(text: str) -> Any | None:
    """One expression for names that any of the patterns fits; None for an empty list."""
    found = patterns_in(text)
    return re2.compile("|".join(_of(pattern, ".") for pattern in found)) if found else None


def path_pattern(pattern: str) -> Any:
    """An expression for dotted paths at which a pattern fits, and all below: "*" stands for
    anything within one name, "**" for any names.
    """
    return re2.compile(rf"(?:{_of(pattern, '[^.]')})(?s:\..*)?")


def _of(pattern: str, one: str) -> str:
    words = {"**": "(?s:.*)", "*": f"(?s:{one}*)", "?": f"(?s:{one})"}
    return "".join(
        words.get(part) or re.escape(part) for part in re.split(r"(\*\*|\*|\?)", pattern)
    )

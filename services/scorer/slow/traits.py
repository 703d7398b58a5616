"""A lead's traits: what its events said of it last, as far as that is kept."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from services.scorer.slow.fields import Plain

MOST_TRAITS = 64
MOST_BYTES = 1000

_IN_EXPRESSION = re.compile(r"\btraits\.([A-Za-z_][A-Za-z0-9_]*)")


def folded(before: Plain, said: Plain, read: set[str]) -> Plain:
    """The traits after an event. A trait said to be null, or too large to keep, goes; of too many,
    those that the ruleset reads are kept first, then by name.
    """
    after = {**before, **said}
    after = {name: v for name, v in after.items() if v is not None and _is_small(v)}
    if len(after) <= MOST_TRAITS:
        return after
    kept = sorted(after, key=lambda name: (name not in read, name))[:MOST_TRAITS]
    return {name: after[name] for name in kept}


def _is_small(value: Any) -> bool:
    if isinstance(value, str):
        return len(value.encode()) <= MOST_BYTES
    try:
        return len(msgspec.msgpack.encode(value)) <= MOST_BYTES
    except OverflowError:  # a whole number of more than 64 bits
        return False


def traits_read(part: Any) -> set[str]:
    """The traits that any part of a document names."""
    if isinstance(part, dict):
        parts, texts = list(part.values()), [part.get("cel")]
        named = {
            part[key].split(".")[1]
            for key in ("field", "table", "once_per")
            if str(part.get(key)).startswith("traits.")
        }
    else:
        parts, texts, named = list(part) if isinstance(part, list) else [], [], set()
    for text in texts:
        named |= set(_IN_EXPRESSION.findall(text)) if isinstance(text, str) else set()
    return named.union(*map(traits_read, parts))

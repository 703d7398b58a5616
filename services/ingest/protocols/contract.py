"""What reading another tracker's item comes to, and the small readers they share. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from services.ingest.normalise import Call
from services.ingest.refusal import invalid

# (kind, call) as `normalise` takes them; None for what says nothing about a person's interest.
Read = tuple[str, Call] | None
# No honest tracker sends more in one item.
PARAMETERS = 300


def parameters(text: str) -> dict[str, str]:
    """Of a query string or a form; the last of a name counts. Raises Refusal (400)."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=PARAMETERS)
    except ValueError:
        raise invalid("too_many_fields", f"An item may have {PARAMETERS} parameters.") from None
    return dict(pairs)


def number(text: object) -> float | None:
    """A number that is written so; None for anything else."""
    try:
        value = float(text) if isinstance(text, (str, int, float)) else None
    except (ValueError, OverflowError):
        return None
    return value if value is not None and abs(value) < 1e15 else None


def said(pairs: Iterable[tuple[str, object]]) -> dict[str, Any]:
    """The pairs that say something."""
    return {name: value for name, value in pairs if value not in (None, "")}


def content_hash(prefix: str, given: Mapping[str, object], without: frozenset[str]) -> str:
    """An id made of all that an item says but for some names: the same item, the same id."""
    told = sorted((name, str(value)) for name, value in given.items() if name not in without)
    digest = hashlib.sha256(repr(told).encode("utf-8", "replace")).hexdigest()
    return f"{prefix}-{digest[:32]}"

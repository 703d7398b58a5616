"""Which fields of an event are kept: lists of what is denied and what is allowed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from services.ingest.globs import path_pattern, patterns_in
from services.ingest.metrics import FIELDS_DROPPED

PARTS = ("properties", "traits", "context")
# What the metric says of fields that no pattern of the allow list fits.
NOT_ALLOWED = "not allowed"
_LONGEST_PATH = 1_000


class FieldLists:
    """Takes fields out of documents. Denied fields go whatever is allowed; where the allow list
    names a part (properties, traits, context), only what it names is kept of that part.
    """

    def __init__(self, deny: str, allow: str) -> None:
        """Raises ValueError for a pattern that begins with none of PARTS, "*" or "**"."""
        self._deny = [(pattern, path_pattern(pattern)) for pattern in _checked(deny)]
        allowed = _checked(allow)
        self._allow = [path_pattern(pattern) for pattern in allowed]
        self._bound = frozenset(
            part
            for part in PARTS
            for pattern in allowed
            if pattern[0] == "*" or _is_of(pattern, part)
        )
        self.denied_by = lru_cache(8192)(self._denied_by)
        self.allowed = lru_cache(8192)(self._allowed)

    def kept(
        self, document: dict[str, Any], part: str, needed: frozenset[str] = frozenset()
    ) -> dict[str, Any]:
        """What is kept of a document. part: one of PARTS, where its paths begin · needed: names at
        its top that stay, because the event is nothing without them.
        """
        kept = self._walked(document, part, part in self._bound)
        missing = {name: document[name] for name in needed if name in document and name not in kept}
        return {**kept, **missing} if missing else kept

    def _walked(self, value: Mapping[str, Any], path: str, bound: bool) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for name, item in value.items():
            below = f"{path}.{name}".lower()
            if len(below) > _LONGEST_PATH:
                FIELDS_DROPPED.labels(NOT_ALLOWED).inc()  # too deep for any pattern to judge
                continue
            pattern = self.denied_by(below)
            if pattern is not None:
                FIELDS_DROPPED.labels(pattern).inc()
                continue
            still_bound = bound and not self.allowed(below)
            if isinstance(item, (dict, list)):
                inner = self._inside(item, below, still_bound)
                if inner or not still_bound:
                    kept[name] = inner
            elif still_bound:
                FIELDS_DROPPED.labels(NOT_ALLOWED).inc()
            else:
                kept[name] = item
        return kept

    def _inside(self, item: dict[str, Any] | list[Any], path: str, bound: bool) -> Any:
        """Items of a list stand at the path of the list."""
        if isinstance(item, dict):
            return self._walked(item, path, bound)
        kept: list[Any] = []
        for one in item:
            if isinstance(one, (dict, list)):
                inner = self._inside(one, path, bound)
                if inner or not bound:
                    kept.append(inner)
            elif bound:
                FIELDS_DROPPED.labels(NOT_ALLOWED).inc()
            else:
                kept.append(one)
        return kept

    def _denied_by(self, path: str) -> str | None:
        for pattern, expression in self._deny:
            if expression.fullmatch(path):
                return pattern
        return None

    def _allowed(self, path: str) -> bool:
        return any(expression.fullmatch(path) for expression in self._allow)


def field_lists(deny: str, allow: str) -> FieldLists | None:
    """None where both are empty. Raises ValueError."""
    return FieldLists(deny, allow) if deny.strip() or allow.strip() else None


def _checked(text: str) -> list[str]:
    found = patterns_in(text)
    for pattern in found:
        if pattern[0] != "*" and not any(_is_of(pattern, part) for part in PARTS):
            raise ValueError(f"field {pattern!r}: begin with {', '.join(PARTS)} or *")
    return found


def _is_of(pattern: str, part: str) -> bool:
    return pattern == part or pattern.startswith(f"{part}.")

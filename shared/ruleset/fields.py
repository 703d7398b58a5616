"""Paths into an event that rules and wordings may use."""

from __future__ import annotations

import difflib

# Roots that anything may follow, and roots whose followers are listed.
OPEN_ROOTS = ("properties", "traits", "context", "consent")
IDENTIFIERS = ("email", "user_id", "anonymous_id", "phone", "external")
PLAIN = ("type", "source", "verdict.judgement")


def field_fault(path: str) -> tuple[str, str] | None:
    """(message, remedy) when a path names no field of an event, else None."""
    root, *rest = path.split(".")
    if path in PLAIN:
        return None
    if "" in rest or (root in OPEN_ROOTS and not rest):
        return f"{path} names nothing", f"write {root}.NAME"
    if root in OPEN_ROOTS:
        return None
    if root == "identifiers" and rest and rest[0] in IDENTIFIERS:
        if len(rest) == 1 or rest[0] == "external":
            return None
    elif root == "identifiers":
        return f"{path} is no identifier", f"use one of {', '.join(IDENTIFIERS)}"
    near = did_you_mean(root, [*OPEN_ROOTS, "identifiers", "type", "source", "verdict"])
    return (
        f"{path} is not a field of an event",
        near or "begin with properties, traits, context, consent, identifiers, type or source",
    )


def did_you_mean(word: str, known: list[str]) -> str:
    """A remedy that names the nearest known word, "" when none is near."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""

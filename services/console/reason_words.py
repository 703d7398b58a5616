"""Reasons as one would say them: the rule's words for the event, and what cut the points. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from shared.ledger import Entry
from shared.ruleset.wording import fields_in, in_words


@lru_cache(maxsize=4096)
def quotes_event(say: str) -> bool:
    """Whether a wording fills in fields of the event, so that they must be read."""
    return bool(fields_in(say))


def cut_by(bounds: Mapping[str, str], entry: Entry, why: str) -> str:
    """What cut an entry's points, by name and number where it has them; "" for nothing.

    bounds: of the entry's rule, see shared.ruleset.bound_words · why: what told the bot.
    """
    if entry.clipped == "bot" and why:
        return f"bot: {why}"
    return bounds.get(entry.clipped, entry.clipped)


def reason_in_words(say: str, event: Mapping[str, Any], entry: Entry, cut: str = "") -> str:
    """Why these points.

    event: the envelope as JSON values; where the wording quotes nothing, its type is enough ·
    cut: see `cut_by`; without it, what the entry itself says.
    """
    said = in_words(say, event) if quotes_event(say) else _plain(say, str(event.get("type", "")))
    match entry.clipped:
        case "":
            return said
        case "taken back":
            return f"no longer: {said}"
        case _:
            return f"{said} ({cut or entry.clipped}: {entry.points:g} of {entry.raw:g} points)"


@lru_cache(maxsize=4096)
def _plain(say: str, event_type: str) -> str:
    return in_words(say, {"type": event_type})

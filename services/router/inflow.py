"""How a person came: channel, source, campaign and landing page of a visit, as a packet tells it.
Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from services.router.wording import clean_url, page_of, text_of
from shared.envelope import Event, milliseconds, rfc3339
from shared.event_types import OPERATOR

NAME_MAX: Final = 100  # characters


def inflow_of(events: Iterable[Event]) -> dict[str, str] | None:
    """The first of these events that tells: {channel, source, medium, campaign, landing, at}, as
    far as it says. Robots' visits and what we did ourselves are no inflow.
    """
    for event in events:
        if event.source == OPERATOR or event.verdict.judgement == "bot":
            continue
        told = _told(event)
        if told:
            return {**told, "at": rfc3339(milliseconds(event.occurred_at))}
    return None


def _told(event: Event) -> dict[str, str]:
    inflow, campaign = _part(event, "inflow"), _part(event, "campaign")
    told: dict[str, str] = {}
    for name, value in (
        ("channel", inflow.get("channel")),
        ("source", inflow.get("source") or campaign.get("source")),
        ("medium", campaign.get("medium")),
        ("campaign", campaign.get("name")),
    ):
        if text := text_of(value):
            told[name] = text[:NAME_MAX]
    if told:
        page = page_of(event)
        landing = clean_url(page.get("landing")) or clean_url(page.get("url"))
        if landing:
            told["landing"] = landing
    return told


def _part(event: Event, name: str) -> dict[str, Any]:
    part = event.context.get(name)
    return part if isinstance(part, dict) else {}

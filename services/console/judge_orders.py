"""Events judged by hand to be a person's or a machine's: the event that says so. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from services.console.merge_orders import Asking
from shared.envelope import Event, Identifiers, instant
from shared.event_types import EVENTS_JUDGED, OPERATOR

# What one order may name: a scanner follows dozens of links of a mail.
MOST_EVENTS = 100


@dataclass(frozen=True, slots=True)
class Judgement:
    """The word on events, by (source, id), and on all openings and clicks of a mail, by its
    properties.message_id ("" for none). It counts for what was before it; the last word stands.
    """

    verdict: Literal["human", "bot"]
    events: tuple[tuple[str, str], ...] = ()
    message_id: str = ""


def judgement_event(
    lead_id: UUID, who: Identifiers, judgement: Judgement, from_ms: int, asking: Asking
) -> Event:
    """from_ms: the first of the events; the lead's scores are computed again from there."""
    said: dict[str, Any] = {"verdict": judgement.verdict, "from_ms": from_ms}
    if judgement.events:
        said["events"] = [list(one) for one in judgement.events]
    if judgement.message_id:
        said["message_id"] = judgement.message_id
    if asking.actor:
        said["actor"] = asking.actor
    at = instant(asking.now_ms)
    return Event(
        id=f"{lead_id}/judged/{asking.id}",
        source=OPERATOR,
        type=EVENTS_JUDGED,
        occurred_at=at,
        received_at=at,
        identifiers=who,
        properties=said,
    )

"""Events and leads for the packet's tests."""

from __future__ import annotations

from typing import Any

from services.router.packet import Lead
from services.router.reasons import Earned
from shared.envelope import Event, Identifiers, instant
from shared.facts import LeadMerged, LeadUnmerged, Reason, SegmentEntered, StageChanged
from shared.identity import ANONYMOUS, EMAIL
from shared.lead_state import ScoreState

LEAD = "0196a6a0-0000-7000-8000-000000000001"
ABSORBED = "0196a6a0-0000-7000-8000-000000000002"
NOW_MS = 1_777_800_000_000  # 2026-05-03T09:20:00Z
DAY_MS = 86_400_000


def event(type_: str, days_ago: float = 0, **over: Any) -> Event:
    at = instant(NOW_MS - int(days_ago * DAY_MS))
    fields: dict[str, Any] = {
        "id": f"{type_}-{days_ago}",
        "source": "web",
        "type": type_,
        "occurred_at": at,
        "received_at": at,
        "identifiers": Identifiers(anonymous_id="a1"),
        **over,
    }
    return Event(**fields)


def page(path: str, title: str, days_ago: float = 0, type_: str = "page_viewed") -> Event:
    url = f"https://adviser.example{path}?token=secret#part"
    return event(type_, days_ago, context={"page": {"url": url, "path": path, "title": title}})


def lead(*events: Event | Earned, **over: Any) -> Lead:
    """A known lead with these events, the newest first."""
    earned = tuple(each if isinstance(each, Earned) else Earned(each) for each in events)
    traits = over.pop("traits", {"name": "Sarah", "title": "Teacher", "iban": "DE00"})
    fields: dict[str, Any] = {
        "known": True,
        "state": ScoreState(traits=traits),
        "identifiers": ((EMAIL, "sarah@adviser.example"), (ANONYMOUS, "a1")),
        "events": earned,
        **over,
    }
    return Lead(**fields)


def sales_fact(**over: Any) -> StageChanged:
    fields: dict[str, Any] = {
        "lead_id": LEAD,
        "ruleset_version": 1,
        "known": True,
        "journey": "main",
        "from_stage": "involve",
        "to_stage": "validate",
        "at_ms": NOW_MS,
        "seq": 4,
        "episode": 1,
        "cause": "event",
        "scores": {"engagement": 61.00000049, "fit": 20.0},
        "handoff": "sales",
        "reasons": [
            Reason(
                "e9", "web", "page_viewed", "engagement/pricing", 10.0, "2026-05-03T09:20:00.000Z"
            )
        ],
        **over,
    }
    return StageChanged(**fields)


def row_fact(**over: Any) -> SegmentEntered:
    """The lead is in a segment that a row of the hand-off table asks for."""
    change = sales_fact()
    fields = {name: getattr(change, name) for name in StageChanged.__struct_fields__}
    return SegmentEntered(**{**fields, "journey": "segment:big", "rows": ["big"], **over})


def merge_fact(**over: Any) -> LeadMerged:
    """The lead took ABSORBED in."""
    return LeadMerged(**_standing_still(cause="merge", **over))


def unmerge_fact(**over: Any) -> LeadUnmerged:
    """ABSORBED isn't part of the lead any more."""
    return LeadUnmerged(**_standing_still(cause="unmerge", actor="dora", **over))


def _standing_still(**over: Any) -> dict[str, Any]:
    return {
        "lead_id": LEAD,
        "ruleset_version": 1,
        "known": True,
        "journey": "main",
        "from_stage": "educate",
        "to_stage": "educate",
        "at_ms": NOW_MS,
        "seq": 5,
        "episode": 1,
        "other_lead": ABSORBED,
        **over,
    }

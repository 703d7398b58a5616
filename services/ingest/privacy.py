"""Which events are not kept: passive ones, under Global Privacy Control or without consent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Literal

from services.ingest.metrics import CONSENT_WITHHELD, GPC_WITHHELD
from shared.consent import ANALYTICS, PASSIVE_TYPES, answers_in
from shared.envelope import Event
from shared.event_types import ALIAS, GROUP, IDENTIFY

# gpc: the browser sent Sec-GPC: 1 · consent: the event itself denies consent to analytics.
Why = Literal["gpc", "consent"]

_COUNTERS = {"gpc": GPC_WITHHELD, "consent": CONSENT_WITHHELD}

# What a person does on purpose and expects to be known by. Everything else that a browser reports
# (page_viewed, page_left, link_clicked, video_watched, any custom name) is passive tracking under
# Global Privacy Control; without consent to analytics, PASSIVE_TYPES are.
EXPLICIT_TYPES: frozenset[str] = frozenset({
    IDENTIFY, GROUP, ALIAS,
    "form_submitted", "newsletter_subscribed", "email_unsubscribed", "webinar_registered",
    "campaign_applied", "demo_requested", "sample_requested", "trial_started", "meeting_booked",
    "survey_answered", "referral_made", "purchase_made", "subscription_renewed",
    "subscription_cancelled", "support_contacted",
})  # fmt: skip


def gpc_signal(headers: list[tuple[bytes, bytes]]) -> bool:
    """Is Sec-GPC set to exactly "1", in any of its headers, or in one joined by commas?"""
    for name, value in headers:
        if name == b"sec-gpc" and b"1" in (part.strip() for part in value.split(b",")):
            return True
    return False


def why_withheld(event: Event, *, gpc: bool) -> Why | None:
    """What stands against keeping an event, None for nothing. gpc: the browser sends the signal."""
    if gpc and event.type not in EXPLICIT_TYPES:
        return "gpc"
    if event.consent and event.type in PASSIVE_TYPES:
        analytics = answers_in(event.consent).get(ANALYTICS)
        return "consent" if analytics is not None and not analytics[0] else None
    return None


def sift(
    events: Sequence[Event], *, gpc: bool, submitted: Container[int] = ()
) -> tuple[list[Event], Counter[Why]]:
    """The events that may be kept, and how many may not, by what stands against it. submitted: the
    places of forms, which are nobody's passive tracking.
    """
    kept: list[Event] = []
    withheld: Counter[Why] = Counter()
    for place, event in enumerate(events):
        why = None if place in submitted else why_withheld(event, gpc=gpc)
        if why is None:
            kept.append(event)
        else:
            withheld[why] += 1
    return kept, withheld


def count_withheld(withheld: Mapping[Why, int]) -> None:
    """Add to the metrics."""
    for why, count in withheld.items():
        _COUNTERS[why].inc(count)

"""Global Privacy Control: which events a browser that sends Sec-GPC: 1 may still cause."""

from __future__ import annotations

from shared.envelope import Event
from shared.event_types import ALIAS, GROUP, IDENTIFY

# What a person does on purpose and expects to be known by. Everything else that a browser reports
# (page_viewed, page_left, link_clicked, video_watched, any custom name) is passive tracking.
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


def withheld_by_gpc(event: Event) -> bool:
    """True for passive events: they are answered 200, counted, and not kept."""
    return event.type not in EXPLICIT_TYPES

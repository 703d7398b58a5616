"""Global Privacy Control: the signal, and what it withholds."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.privacy import gpc_signal, sift, why_withheld
from shared.envelope import EPOCH, Event, Identifiers


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"1"], True), ([b"0", b"1"], True), ([b"0, 1"], True), ([b"1,1"], True),
        ([], False), ([b"0"], False), ([b"true"], False), ([b"11"], False), ([b""], False),
    ],
)  # fmt: skip
def test_only_exactly_1_is_the_signal(values: list[bytes], expected: bool) -> None:
    """As the specification says; proxies join repeated headers by commas."""
    assert gpc_signal([(b"sec-gpc", value) for value in values]) is expected


@pytest.mark.parametrize(
    ("event_type", "withheld"),
    [
        ("page_viewed", True), ("page_left", True), ("link_clicked", True),
        ("video_watched", True), ("anything of the site", True),
        ("lead_identified", False), ("form_submitted", False), ("demo_requested", False),
    ],
)  # fmt: skip
def test_passive_events_are_withheld_and_submits_go_on(event_type: str, withheld: bool) -> None:
    """What a person sends on purpose is theirs to send."""
    assert (why_withheld(an_event(event_type), gpc=True) == "gpc") is withheld
    assert why_withheld(an_event(event_type), gpc=False) is None


def an_event(event_type: str, consent: dict[str, Any] | None = None) -> Event:
    return Event(
        id="1", source="web", type=event_type, occurred_at=EPOCH, received_at=EPOCH,
        identifiers=Identifiers(anonymous_id="a"), consent=consent or {},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("event_type", "consent", "why"),
    [
        ("page_viewed", {"granted": False}, "consent"),
        ("page_viewed", {"analytics": "denied"}, "consent"),
        ("video_watched", {"categoryPreferences": {"Analytics": False}}, "consent"),
        ("page_viewed", {"granted": True}, None), ("page_viewed", {"scoring": False}, None),
        ("form_submitted", {"granted": False}, None), ("Our Own", {"granted": False}, None),
        ("email_unsubscribed", {"granted": False}, None),
        ("newsletter_subscribed", {"analytics": False}, None),
    ],
)  # fmt: skip
def test_passive_events_that_come_without_consent_to_analytics_are_withheld(
    event_type: str, consent: dict[str, Any], why: str | None
) -> None:
    """By the event's own word, whoever sends it."""
    assert why_withheld(an_event(event_type, consent), gpc=False) == why


def test_what_is_withheld_is_counted_by_its_reason() -> None:
    """Forms, by their places, go on."""
    events = [
        an_event("page_viewed"),
        an_event("page_viewed", {"granted": False}),
        an_event("content_downloaded"),
        an_event("demo_requested"),
    ]
    assert sift(events, gpc=True, submitted={2}) == (events[2:], {"gpc": 2})
    assert sift(events, gpc=False) == ([events[0], *events[2:]], {"consent": 1})

"""What a pixel's address stands for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.ingest.normalise import Arrival
from services.ingest.pixel import GIF, pixel_event
from services.ingest.refusal import Refusal


def arrival(request_id: str = "r1", user_agent: str = "Mozilla/5.0 (X11) Firefox/140.0") -> Arrival:
    """A request from some browser."""
    return Arrival(
        source="web",
        public=True,
        received_at=datetime(2026, 5, 3, 10, tzinfo=UTC),
        request_id=request_id,
        user_agent=user_agent,
    )


def test_the_image_is_a_gif_of_43_bytes() -> None:
    """Small, transparent, and what mail programs expect."""
    assert len(GIF) == 43
    assert GIF.startswith(b"GIF89a")
    assert GIF.endswith(b"\x3b")


def test_an_email_counts_once_however_often_it_is_opened() -> None:
    """The same address gives the same event id, whatever request brought it."""
    given = {"type": "email_opened", "userId": "u1", "campaign": "day-2"}
    first = pixel_event(given, arrival("r1"))
    again = pixel_event(given | {"rand": "1"}, arrival("r2"))
    assert first.type == "email_opened"
    assert first.id == again.id


def test_every_showing_of_a_page_counts() -> None:
    """Page views without messageId have an id of their own request."""
    given = {"anonymousId": "a1", "url": "https://www.example.com/"}
    ids = {pixel_event(given, arrival(request_id)).id for request_id in ("r1", "r2")}
    assert len(ids) == 2
    assert pixel_event(given | {"messageId": "m1"}, arrival()).id == "m1"


def test_an_email_address_is_taken_for_opened_emails_only() -> None:
    """A page's image must not carry it into logs and referrers."""
    event = pixel_event({"type": "email_opened", "email": "Sarah@Example.com"}, arrival())
    assert event.identifiers.email == "sarah@example.com"
    with pytest.raises(Refusal) as refused:
        pixel_event({"email": "sarah@example.com"}, arrival())
    assert (refused.value.code, refused.value.path) == ("email_in_address", "email")


def test_a_mail_proxy_that_opens_everything_is_no_person() -> None:
    """Apple's proxy says nothing but Mozilla/5.0, and fetches before anybody looks."""
    given = {"type": "email_opened", "userId": "u1"}
    event = pixel_event(given, arrival(user_agent="Mozilla/5.0"))
    assert (event.verdict.judgement, event.verdict.why) == (
        "bot",
        "mail proxy: Apple's mail privacy protection",
    )
    assert pixel_event(given, arrival()).verdict.judgement == "unknown"


def test_nobody_is_refused() -> None:
    """A pixel without any id names nobody."""
    with pytest.raises(Refusal) as refused:
        pixel_event({"url": "https://www.example.com/"}, arrival())
    assert refused.value.code == "identity_missing"

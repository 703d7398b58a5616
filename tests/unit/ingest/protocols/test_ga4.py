"""GA4's Measurement Protocol: its events, as our calls."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.protocols.ga4 import GaBody, GaEvent, ga4_call


def body(**more: Any) -> GaBody:
    return GaBody(events=[], client_id="visitor.1", **more)


def read(name: str, params: dict[str, Any], **more: Any) -> tuple[str, Any]:
    found = ga4_call(body(**more), GaEvent(name, params))
    assert found is not None
    return found


def test_a_page_view_is_a_page() -> None:
    """With its page and campaign; the user's properties are traits."""
    kind, call = read(
        "page_view",
        {"page_location": "https://shop.example/", "page_title": "Shop", "source": "news",
         "campaign": "spring", "engagement_time_msec": 100},
        user_id="u-1", user_properties={"plan": {"value": "pro"}, "odd": 7},
        user_agent="Firefox", timestamp_micros=1777888800000000,
    )  # fmt: skip
    assert (kind, call.event) == ("page", None)
    assert call.context == {
        "page": {"url": "https://shop.example/", "title": "Shop"},
        "campaign": {"source": "news", "name": "spring"},
        "traits": {"plan": "pro", "odd": 7},
        "userAgent": "Firefox",
    }
    assert call.properties == {"engagement_time_msec": 100}
    assert (call.user_id, call.anonymous_id) == ("u-1", "visitor.1")
    assert call.timestamp == 1777888800000


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("purchase", "purchase_made"), ("refund", "purchase_refunded"),
        ("file_download", "content_downloaded"), ("generate_lead", "form_submitted"),
        ("video_progress", "video_watched"), ("Demo Requested", "Demo Requested"),
    ],
)  # fmt: skip
def test_recommended_events_are_our_types(name: str, event: str) -> None:
    """Others are called as they are."""
    assert read(name, {})[1].event == event


def test_the_items_of_a_purchase_are_ours() -> None:
    """By GA4's names for them; what is no item stays as it is."""
    items = [{"item_id": "s-1", "item_name": "Shoe", "item_brand": "Acme", "price": 9}, 7]
    _, call = read("purchase", {"transaction_id": "A-1", "items": items})
    assert call.properties["items"] == [
        {"product_id": "s-1", "name": "Shoe", "brand": "Acme", "price": 9}, 7,
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["user_engagement", "session_start", "first_visit", "scroll"])
def test_what_ga4_counts_for_itself_is_passed_over(name: str) -> None:
    """It says nothing about a person's interest."""
    assert ga4_call(body(), GaEvent(name)) is None


def test_an_event_sent_again_has_the_same_id() -> None:
    """With a moment or an order in it; without, none can be given."""
    first = read("purchase", {"transaction_id": "A-1"})[1].message_id
    assert first == read("purchase", {"transaction_id": "A-1"})[1].message_id
    assert first != read("purchase", {"transaction_id": "A-2"})[1].message_id
    timed = read("demo", {"n": 1}, timestamp_micros="1777888800000000")[1]
    assert timed.message_id is not None
    assert timed.timestamp == 1777888800000
    assert read("demo", {"n": 1})[1].message_id is None

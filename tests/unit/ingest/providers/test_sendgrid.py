"""From items of SendGrid's webhook to events."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.ingest.handling import PLAIN
from services.ingest.providers.contract import Account, Delivery
from services.ingest.providers.reading import read_item
from services.ingest.providers.sendgrid import EVENT_TYPES, PROVIDER
from services.ingest.refusal import Refusal
from shared.envelope import Event

NOW = datetime(2026, 5, 3, 10, 0, tzinfo=UTC)
AT = 1777802000  # 53 minutes before


def item(**over: Any) -> bytes:
    known = {
        "email": "Sarah@Example.com",
        "event": "click",
        "timestamp": AT,
        "sg_event_id": "e1",
        "sg_message_id": "m1.filter.0",
        "url": "https://acme.com/ebook?utm_campaign=may",
        "useragent": "Mozilla/5.0 (X11; Linux x86_64)",
        "ip": "203.0.113.77",
        "category": "nurture",
        "email_number": "2",
    }
    return json.dumps({**known, **over}).encode()


def events_of(raw: bytes) -> list[Event]:
    delivery = Delivery(url="https://in.example", body=raw, received_at=NOW)
    return read_item(raw, PROVIDER, Account("sendgrid"), delivery, PLAIN)


def event_of(**over: Any) -> Event:
    (event,) = events_of(item(**over))
    return event


def test_a_click_becomes_an_event_with_its_custom_arguments() -> None:
    """Everything a rule could ask for, and the address in one spelling."""
    event = event_of()
    assert (event.source, event.type) == ("sendgrid", "email_clicked")
    assert event.identifiers.email == "sarah@example.com"
    assert event.occurred_at == datetime.fromtimestamp(AT, UTC)
    assert event.received_at == NOW
    assert event.properties["url"] == "https://acme.com/ebook?utm_campaign=may"
    assert event.properties["category"] == ["nurture"]
    assert event.properties["email_number"] == "2"
    assert event.context == {
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64)", "ip": "203.0.113.0",
        "campaign": {"name": "may"},
    }  # fmt: skip
    assert event.properties["message_id"] == "m1.filter.0"
    assert "email" not in event.properties


@pytest.mark.parametrize(
    ("kind", "event_type"), [pair for pair in EVENT_TYPES.items() if pair[1] is not None]
)
def test_kinds_find_their_type(kind: str, event_type: str) -> None:
    """The kind itself is kept too."""
    event = event_of(event=kind)
    assert event.type == event_type
    assert event.properties["provider_event"] == kind


@pytest.mark.parametrize("kind", [kind for kind, ours in EVENT_TYPES.items() if ours is None])
def test_kinds_that_say_nothing_about_a_person_are_left_out(kind: str) -> None:
    """Not an error."""
    assert events_of(item(event=kind)) == []


def test_the_id_survives_a_retry_and_tells_events_apart() -> None:
    """SendGrid's own id changes; message, recipient, kind, time and url don't."""
    first = event_of().id
    assert event_of(sg_event_id="e2", ip="198.51.100.1", attempt="2").id == first
    assert event_of(email="sarah@example.com").id == first
    others = {
        event_of(**change).id
        for change in (
            {"sg_message_id": "m2"}, {"email": "tom@example.com"}, {"event": "open"},
            {"timestamp": AT + 1}, {"url": "https://acme.com/other"},
        )
    }  # fmt: skip
    assert len(others) == 5
    assert first not in others
    assert len(first) == 40


@pytest.mark.parametrize("flag", [True, "true", "True"])
def test_a_machines_open_is_judged_a_bot(flag: object) -> None:
    """Mail privacy proxies fetch every image."""
    verdict = event_of(event="open", sg_machine_open=flag).verdict
    assert (verdict.judgement, verdict.why) == ("bot", "machine open")
    assert event_of(event="open", sg_machine_open=False).verdict.judgement == "unknown"


def test_a_bounce_keeps_its_details() -> None:
    """`type` is SendGrid's word for the kind of bounce."""
    event = event_of(event="bounce", type="blocked", reason="550 no", status="5.0.0")
    assert event.properties["bounce_type"] == "blocked"
    assert event.properties["reason"] == "550 no"


def test_a_time_slightly_ahead_is_clamped() -> None:
    """Nothing happens after it was received."""
    assert event_of(timestamp=AT + 8000).occurred_at == NOW


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"3", "wrong_type"),
        (b"{", "not_json"),
        (item(event="thought"), "event_unknown"),
        (item(event=None), "event_unknown"),
        (item(email="nobody"), "email_invalid"),
        (item(email=None), "email_invalid"),
        (item(timestamp=None), "timestamp_unreadable"),
        (item(timestamp="soon"), "timestamp_unreadable"),
        (item(timestamp=12), "timestamp_absurd"),
        (item(timestamp=10**18), "timestamp_absurd"),
        (item(custom="\x00"), "null_character"),
        (item(custom=2**70), "number_too_large"),
        (item(custom="x" * 40_000), "too_large"),
    ],
)
def test_an_item_that_cannot_be_read_says_why(raw: bytes, code: str) -> None:
    """It will go to the dead letter with this code."""
    with pytest.raises(Refusal) as caught:
        events_of(raw)
    assert caught.value.code == code

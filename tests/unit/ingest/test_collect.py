"""Batches of the beacon."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import msgspec
import pytest

from services.ingest.collect import read_batch, read_call
from services.ingest.normalise import Arrival
from services.ingest.refusal import Refusal

ARRIVAL = Arrival(
    source="web",
    public=True,
    received_at=datetime(2026, 5, 3, 10, tzinfo=UTC),
    request_id="r1",
    context={"locale": "en"},
)


def raw(**call: object) -> msgspec.Raw:
    """One undecoded call."""
    return msgspec.Raw(json.dumps(call).encode())


def test_good_calls_are_taken_and_bad_ones_named() -> None:
    """One bad call spoils only itself; its error says where it stands."""
    taken, errors = read_batch(
        [
            raw(type="page", anonymousId="a1", messageId="m1"),
            raw(type="page"),
            raw(type="form", form="guide", fields={"email": "nobody"}),
            raw(anonymousId="a1"),
        ],
        ARRIVAL,
    )
    assert [(event.type, event.context["locale"]) for event, _ in taken] == [("page_viewed", "en")]
    assert [(error["index"], error["code"], error["path"]) for error in errors] == [
        (1, "identity_missing", "batch[1].userId"),
        (2, "email_invalid", "batch[2].email"),
        (3, "type_missing", "batch[3].type"),
    ]


def test_a_submitted_form_is_known_as_explicit() -> None:
    """Even as a download: the person asked for it, so a privacy signal doesn't take it away."""
    event, submitted = read_call(
        raw(
            type="form",
            form="guide",
            event="content_downloaded",
            messageId="m1",
            anonymousId="a1",
            fields={"email": "s@example.com", "budget": "10k"},
        ),
        ARRIVAL,
    )
    assert submitted
    assert (event.source, event.type, event.id) == ("web", "content_downloaded", "m1")
    assert event.identifiers.email == "s@example.com"
    assert event.properties == {"budget": "10k", "form": "guide"}


def test_a_passive_call_is_not_explicit() -> None:
    """Page views are what the signal is about."""
    assert read_call(raw(type="page", anonymousId="a1"), ARRIVAL)[1] is False


def test_an_empty_batch_and_a_call_too_large_are_refused() -> None:
    """With a reason, as everywhere."""
    with pytest.raises(Refusal) as empty:
        read_batch([], ARRIVAL)
    assert empty.value.code == "batch_empty"
    with pytest.raises(Refusal) as large:
        read_call(raw(type="page", anonymousId="a1", properties={"x": "y" * 40_000}), ARRIVAL)
    assert (large.value.status, large.value.code) == (413, "too_large")

"""Whatever a stranger sends to beacon, pixel and forms: an event, or a Refusal. Never a crash."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.collect import read_batch
from services.ingest.form_call import form_event
from services.ingest.form_fields import TRAIT_NAMES, checked_fields, read_fields
from services.ingest.normalise import Arrival, Call
from services.ingest.pixel import pixel_event
from services.ingest.refusal import Refusal
from shared.envelope import decode_event, encode_event

ARRIVAL = Arrival(
    source="web", public=True, received_at=datetime(2026, 5, 3, tzinfo=UTC), request_id="r1"
)
FORM_NAMES = [*TRAIT_NAMES, "_event", "_message_id", "_anonymous_id", "_gotcha", "_context", "x"]
CALL_NAMES = [
    "type", "event", "form", "fields", "messageId", "userId", "anonymousId", "timestamp", "sentAt",
    "properties", "traits", "context", "page", "campaign", "email", "url", "consent",
]  # fmt: skip
PIXEL_NAMES = [*CALL_NAMES, "utm_source", "utm_", "p.a", "p.", "title", "referrer"]
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["track", "page", "form", "email_opened", "a@b.co", "2026-05-03", "\x00"]),
)
CONTENT_TYPES = st.sampled_from(
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=X",
        "multipart/form-data; boundary=X; charset=utf-7",
        "multipart/form-data; boundary=X; charset=hex",
        "multipart/form-data; boundary=",
        "multipart/form-data",
    ]
)
JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(CALL_NAMES), inner, max_size=5)
    ),
    max_leaves=12,
)
MULTIPART_BODIES = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from(
            [
                b"--X\r\n",
                b"--X--\r\n",
                b'Content-Disposition: form-data; name="email"\r\n',
                b'Content-Disposition: form-data; name="f"; filename="a"\r\n',
                b"Content-Disposition: form-data\r\n",
                b"\r\n",
                b"a@b.co\r\n",
            ]
        ),
    ),
    max_size=10,
).map(b"".join)


@given(CONTENT_TYPES, st.one_of(st.binary(max_size=200), MULTIPART_BODIES))
@settings(max_examples=300, deadline=None)
def test_any_body_is_read_as_fields_or_refused(content_type: str, body: bytes) -> None:
    """Bytes of strangers under any Content-Type."""
    with contextlib.suppress(Refusal):
        fields = asyncio.run(read_fields(content_type, body))
        assert all(isinstance(name, str) for name in fields)


@given(st.dictionaries(st.sampled_from(FORM_NAMES), st.one_of(TEXTS, JSON_VALUES), max_size=8))
@settings(max_examples=300, deadline=None)
def test_any_fields_are_an_event_or_refused(fields: dict[str, object]) -> None:
    """What is taken survives the way over the topic unchanged."""
    with contextlib.suppress(Refusal):
        checked_fields(fields)
        event = form_event("guide", fields, Call(), ARRIVAL)
        assert decode_event(encode_event(event)) == event


@given(st.dictionaries(st.sampled_from(PIXEL_NAMES), TEXTS, max_size=8))
@settings(max_examples=300, deadline=None)
def test_any_parameters_are_an_event_or_refused(parameters: dict[str, str]) -> None:
    """The pixel answers with the image either way; but a crash would be counted as a fault."""
    with contextlib.suppress(Refusal):
        event = pixel_event(parameters, ARRIVAL)
        assert decode_event(encode_event(event)) == event


@given(st.lists(JSON_VALUES, min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_any_batch_is_sorted_into_good_and_bad(calls: list[object]) -> None:
    """Every call is either taken or named with its index."""
    raw = [msgspec.Raw(json.dumps(call).encode()) for call in calls]
    taken, errors = read_batch(raw, ARRIVAL)
    assert len(taken) + len(errors) == len(calls)
    for event, _ in taken:
        assert decode_event(encode_event(event)) == event

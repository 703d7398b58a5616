"""Whatever a stranger sends as another tracker's item: an event, nothing, or a Refusal."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.normalise import Arrival, normalise
from services.ingest.protocols.contract import Read
from services.ingest.protocols.ga4 import GaBody, GaEvent, ga4_call
from services.ingest.protocols.matomo import matomo_call
from services.ingest.protocols.snowplow import snowplow_call
from services.ingest.refusal import Refusal
from shared.envelope import decode_event, encode_event

ARRIVAL = Arrival(
    source="web", public=True, received_at=datetime(2026, 5, 3, tzinfo=UTC), request_id="r1"
)
SNOWPLOW = (
    "eid", "tid", "uid", "duid", "nuid", "dtm", "ttm", "stm", "url", "page", "refr", "se_ca",
    "se_ac", "se_la", "se_pr", "se_va", "tr_id", "tr_tt", "tr_cu", "ue_pr", "ue_px", "ua", "ip",
    "lang", "tz",
)  # fmt: skip
MATOMO = (
    "url", "action_name", "urlref", "_id", "cid", "uid", "cdt", "rand", "e_c", "e_a", "e_n", "e_v",
    "download", "link", "search", "search_count", "c_n", "c_i", "idgoal", "revenue", "ec_id",
    "ec_items", "ping", "dimension1", "ua", "lang", "cip", "_rcn",
)  # fmt: skip
GA4 = (
    "items", "page_location", "transaction_id", "value", "currency", "source", "campaign", "a",
)  # fmt: skip
NUMBERS = st.sampled_from(["0", "-1", "1e308", "1e999", "nan", "9" * 400, "1777888800000", "１２"])
TEXTS = st.text(max_size=30) | NUMBERS
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def taken(read: Callable[[], Read]) -> None:
    """As the routes do: read, made an event, written, and readable again."""
    try:
        found = read()
        if found is None:
            return
        kind, call = found
        event = normalise(call, kind, ARRIVAL)
    except Refusal as refusal:
        refused = refusal
    else:
        assert decode_event(encode_event(event)) == event
        return
    assert refused.status in (400, 413), refused
    assert refused.code
    assert refused.message


@given(
    st.dictionaries(st.sampled_from(SNOWPLOW), TEXTS),
    st.sampled_from(["pv", "se", "ue", "tr", "x"]),
)
def test_any_snowplow_item(item: dict[str, str], kind: str) -> None:
    """Whatever its fields say."""
    taken(lambda: snowplow_call({"uid": "u-1"} | item | {"e": kind}))


@given(st.binary(max_size=100) | JSON.map(lambda value: json.dumps({"data": value}).encode()))
def test_any_self_describing_event(inside: bytes) -> None:
    """Whatever stands in ue_px."""
    packed = base64.urlsafe_b64encode(inside).decode()
    taken(lambda: snowplow_call({"e": "ue", "uid": "u-1", "ue_px": packed}))


@given(st.dictionaries(st.sampled_from(MATOMO), TEXTS))
def test_any_matomo_request(given: dict[str, str]) -> None:
    """Whatever its parameters say."""
    taken(lambda: matomo_call({"uid": "u-1"} | given | {"rec": "1"}))


@given(
    st.sampled_from(["page_view", "purchase", "x", ""]),
    st.dictionaries(st.sampled_from(GA4), JSON),
    st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    st.none() | st.integers() | TEXTS,
)
def test_any_ga4_event(
    name: str, params: dict[str, Any], traits: dict[str, Any], at: int | str | None
) -> None:
    """Whatever its params, the user's properties and the moment say."""
    body = GaBody(events=[], client_id="v.1", user_properties=traits, timestamp_micros=at)
    taken(lambda: ga4_call(body, GaEvent(name, params)))


@given(st.binary(max_size=100))
def test_any_ga4_body(body: bytes) -> None:
    """No body makes the decoder raise anything but what it says."""
    try:
        msgspec.json.decode(body, type=GaBody)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        refused = str(error)
        assert refused

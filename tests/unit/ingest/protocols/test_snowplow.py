"""Snowplow's items: the fields of its tracker protocol, as our calls."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from services.ingest.protocols.snowplow import snowplow_call
from services.ingest.refusal import Refusal

IGLU = "iglu:com.snowplowanalytics"
WHO = {"aid": "KEY", "eid": "e-1", "uid": "u-1", "duid": "visitor-1", "dtm": "1777888800000"}


def self_describing(schema: object, data: object) -> str:
    inside = {"schema": schema, "data": data}
    return json.dumps({"schema": "iglu:x/unstruct_event/jsonschema/1-0-0", "data": inside})


def read(**item: str) -> tuple[str, Any]:
    found = snowplow_call({**WHO, **item})
    assert found is not None
    return found


def test_a_page_view_is_a_page() -> None:
    """With its address, title and referrer, who it was, and when by the tracker's clock."""
    kind, call = read(
        e="pv", url="https://shop.example/pricing", page="Pricing", refr="https://g.example/",
        stm="1777888801000", ua="Firefox", lang="de",
    )  # fmt: skip
    assert kind == "page"
    assert call.context["page"] == {
        "url": "https://shop.example/pricing", "title": "Pricing", "referrer": "https://g.example/",
    }  # fmt: skip
    assert (call.message_id, call.user_id, call.anonymous_id) == ("e-1", "u-1", "visitor-1")
    assert (call.timestamp, call.sent_at) == (1777888800000, 1777888801000)
    assert call.context["userAgent"] == "Firefox"


def test_structured_events_are_called_by_their_action() -> None:
    """Category, label, property and value are properties."""
    kind, call = read(e="se", se_ca="video", se_ac="Demo Requested", se_la="a", se_va="3.5")
    assert (kind, call.event) == ("track", "Demo Requested")
    assert call.properties == {"category": "video", "label": "a", "value": 3.5}


def test_a_transaction_is_a_purchase() -> None:
    """Its items are passed over, since the total stands for them."""
    _, call = read(e="tr", tr_id="A-1", tr_tt="49.50", tr_cu="EUR")
    assert call.event == "purchase_made"
    assert call.properties == {"order_id": "A-1", "amount": 49.5, "currency": "EUR"}
    assert snowplow_call({**WHO, "e": "ti", "ti_id": "A-1"}) is None
    assert snowplow_call({**WHO, "e": "pp"}) is None


@pytest.mark.parametrize(
    ("schema", "kind", "event"),
    [
        (f"{IGLU}.snowplow/link_click/jsonschema/1-0-1", "track", "link_clicked"),
        (f"{IGLU}.snowplow/submit_form/jsonschema/1-0-0", "track", "form_submitted"),
        ("iglu:com.example/demo_requested/jsonschema/1-0-0", "track", "demo_requested"),
        (f"{IGLU}.mobile/screen_view/jsonschema/1-0-0", "page", None),
    ],
)  # fmt: skip
def test_self_describing_events_are_called_by_their_schema(
    schema: str, kind: str, event: str | None
) -> None:
    """As plain JSON, and as base64url without its padding."""
    text = self_describing(schema, {"targetUrl": "https://a.example/", "n": 1})
    packed = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    for item in ({"ue_pr": text}, {"ue_px": packed}):
        found, call = read(e="ue", **item)
        assert (found, call.event) == (kind, event)
        assert call.properties == {"url": "https://a.example/", "n": 1}


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ({"e": "zz"}, "type_unknown"),
        ({}, "type_unknown"),
        ({"e": "ue"}, "not_json"),
        ({"e": "ue", "ue_px": "a"}, "not_base64"),
        ({"e": "ue", "ue_pr": "{}"}, "wrong_type"),
        ({"e": "ue", "ue_pr": self_describing(7, {})}, "schema_unreadable"),
        ({"e": "ue", "ue_pr": self_describing("nonsense", {})}, "schema_unreadable"),
        ({"e": "ue", "ue_pr": '{"data":' * 9000 + "1" + "}" * 9000}, "too_deep"),
    ],
)
def test_what_cannot_be_read_is_refused(item: dict[str, str], code: str) -> None:
    """With a code that says why."""
    with pytest.raises(Refusal) as caught:
        snowplow_call({**WHO, **item})
    assert (caught.value.status, caught.value.code) == (400, code)

"""Matomo's requests: the parameters of its tracking API, as our calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.ingest.protocols.contract import PARAMETERS, parameters
from services.ingest.protocols.matomo import matomo_call
from services.ingest.refusal import Refusal

WHO = {"idsite": "KEY", "rec": "1", "_id": "0123456789abcdef", "uid": "u-1"}
PAGE = {"url": "https://shop.example/pricing", "action_name": "Pricing"}


def read(**given: str) -> tuple[str, Any]:
    found = matomo_call({**WHO, **PAGE, **given})
    assert found is not None
    return found


def test_a_page_view_is_a_page() -> None:
    """With address, title, referrer and the campaign it came by."""
    kind, call = read(urlref="https://g.example/", _rcn="spring", _rck="pension", dimension2="pro")
    assert (kind, call.event) == ("page", None)
    assert call.context["page"] == {
        "url": PAGE["url"], "title": "Pricing", "referrer": "https://g.example/",
    }  # fmt: skip
    assert call.context["campaign"] == {"name": "spring", "term": "pension"}
    assert call.properties == {"dimension2": "pro"}
    assert (call.user_id, call.anonymous_id) == ("u-1", "0123456789abcdef")


@pytest.mark.parametrize(
    ("given", "event", "properties"),
    [
        ({"download": "https://a.example/x.pdf"}, "content_downloaded",
         {"url": "https://a.example/x.pdf"}),
        ({"link": "https://b.example/"}, "link_clicked", {"url": "https://b.example/"}),
        ({"search": "pension", "search_count": "3"}, "site_searched",
         {"query": "pension", "results": 3.0}),
        ({"e_c": "sales", "e_a": "Demo Requested", "e_v": "2"}, "Demo Requested",
         {"category": "sales", "value": 2.0}),
        ({"idgoal": "4", "revenue": "9"}, "goal_reached", {"goal": "4", "revenue": 9.0}),
        ({"idgoal": "0", "ec_id": "A-1", "revenue": "49.5",
          "ec_items": json.dumps([["s-1", "Shoe", "Shoes", 49.5, 1], 7])}, "purchase_made",
         {"order_id": "A-1", "amount": 49.5,
          "items": [{"sku": "s-1", "name": "Shoe", "category": "Shoes", "price": 49.5,
                     "quantity": 1}, 7]}),
        ({"idgoal": "0", "revenue": "12"}, "cart_updated", {"amount": 12.0}),
        ({"c_n": "banner", "c_i": "click", "c_t": "https://a.example/"}, "link_clicked",
         {"content": "banner", "interaction": "click", "url": "https://a.example/"}),
    ],
)  # fmt: skip
def test_actions_are_our_types(
    given: dict[str, str], event: str, properties: dict[str, object]
) -> None:
    """Each kind of action by its own parameters."""
    kind, call = read(**given)
    assert (kind, call.event, call.properties) == ("track", event, properties)


@pytest.mark.parametrize("given", [{"ping": "1"}, {"ma_id": "x"}, {"c_n": "shown only"}])
def test_what_says_nothing_of_interest_is_passed_over(given: dict[str, str]) -> None:
    """Heartbeats, media analytics, impressions."""
    assert matomo_call({**WHO, **given}) is None


def test_the_same_request_has_the_same_id() -> None:
    """When something in it is of its own; the token and how it is answered don't matter."""
    ids = [
        read(rand="7", **extra)[1].message_id
        for extra in ({}, {"token_auth": "t"}, {"send_image": "0"}, {"e_a": "x"})
    ]
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert read()[1].message_id is None


@pytest.mark.parametrize(
    ("given", "moment"),
    [("1777888800", 1777888800), ("2026-05-04 09:00:00", "2026-05-04T09:00:00+00:00")],
)
def test_a_moment_is_seconds_or_a_date(given: str, moment: object) -> None:
    """cdt, in UTC."""
    assert read(cdt=given)[1].timestamp == moment


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"rec": "0"}, "rec_missing"),
        ({"cdt": "yesterday"}, "timestamp_unreadable"),
        ({"ec_id": "1", "ec_items": "["}, "not_json"),
        ({"ec_id": "1", "ec_items": "{}"}, "wrong_type"),
    ],
)
def test_what_cannot_be_read_is_refused(given: dict[str, str], code: str) -> None:
    """With a code that says why."""
    with pytest.raises(Refusal) as caught:
        matomo_call({**WHO, **given})
    assert (caught.value.status, caught.value.code) == (400, code)


def test_too_many_parameters_are_refused() -> None:
    """No tracker sends so many."""
    with pytest.raises(Refusal):
        parameters("&".join(f"a{n}=1" for n in range(PARAMETERS + 1)))

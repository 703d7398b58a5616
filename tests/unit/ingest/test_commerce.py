"""Money and sales: one form, and who may say it."""

from __future__ import annotations

from typing import Any

import pytest

from services.ingest.commerce import OF_SERVERS_ALONE, checked
from services.ingest.refusal import Refusal
from shared.event_types import STANDARD_EVENT_TYPES, event_type_named


def money(**properties: Any) -> dict[str, Any]:
    return checked("purchase_made", properties, public=True)


def refused(event_type: str = "purchase_made", **properties: Any) -> tuple[int, str, str]:
    with pytest.raises(Refusal) as caught:
        checked(event_type, properties, public=event_type in OF_SERVERS_ALONE)
    return caught.value.status, caught.value.code, caught.value.path


def test_segments_words_become_ours() -> None:
    """With the order as signal_key, and the first category and brand of the items."""
    found = money(
        order_id=50314, total=27.5, currency="usd", coupon="may",
        products=[{"name": "Monopoly", "price": 19, "quantity": 1, "url": "x"},
                  {"name": "Uno", "category": "Games", "brand": "Hasbro"}],
    )  # fmt: skip
    assert found == {
        "order_id": "50314", "total": 27.5, "amount": 27.5, "currency": "USD", "coupon": "may",
        "items": [{"name": "Monopoly", "price": 19, "quantity": 1},
                  {"name": "Uno", "category": "Games", "brand": "Hasbro"}],
        "category": "Games", "brand": "Hasbro", "signal_key": "purchase_made:50314",
    }  # fmt: skip
    assert money(order_id="7", signal_key="crm-7")["signal_key"] == "crm-7"
    assert money(amount="398.00", items=["a", "b"])["amount"] == 398.0
    assert money() == {}


@pytest.mark.parametrize(
    ("properties", "code", "path"),
    [
        ({"amount": -1}, "amount_invalid", "properties.amount"),
        ({"revenue": "a lot"}, "amount_invalid", "properties.revenue"),
        ({"amount": True}, "amount_invalid", "properties.amount"),
        ({"amount": [1]}, "amount_invalid", "properties.amount"),
        ({"amount": 1e13}, "amount_invalid", "properties.amount"),
        ({"amount": "9" * 400}, "amount_invalid", "properties.amount"),
        ({"currency": "EURO"}, "currency_invalid", "properties.currency"),
        ({"currency": 978}, "currency_invalid", "properties.currency"),
        ({"items": "a"}, "items_invalid", "properties.items"),
        ({"products": [{}] * 101}, "items_invalid", "properties.products"),
        ({"order_id": "x" * 201}, "text_too_long", "properties.order_id"),
    ],
)
def test_what_is_no_money_says_where(properties: dict[str, Any], code: str, path: str) -> None:
    """A 400, before anything is kept."""
    assert refused(**properties) == (400, code, path)


@pytest.mark.parametrize("event_type", sorted(OF_SERVERS_ALONE))
def test_what_sales_does_no_page_can_say(event_type: str) -> None:
    """Its key is there to be read by anybody."""
    assert refused(event_type)[:2] == (403, "secret_key_needed")
    assert checked(event_type, {"reason": "price"}, public=False) == {"reason": "price"}
    assert event_type in STANDARD_EVENT_TYPES


def test_names_of_other_systems_find_their_type() -> None:
    """In any spelling."""
    names = ("Order Completed", "order-refunded", "Opportunity Won", "Deal Lost", "My Own Event")
    assert [event_type_named(name) for name in names] == [
        "purchase_made", "purchase_refunded", "deal_won", "deal_lost", "My Own Event",
    ]  # fmt: skip

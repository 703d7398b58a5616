"""Money and sales: what such events must say, in one form, and who may send them. Pure.

Property names of Segment's ecommerce spec (revenue, total, products, order_id, …) are understood.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from services.ingest.json_checks import check_text
from services.ingest.refusal import Refusal, invalid

# Said by a shop, a CRM or a calendar, never by a page: anybody can read a page's key.
OF_SERVERS_ALONE: Final = frozenset({
    "purchase_refunded", "meeting_held", "call_held", "proposal_sent", "deal_won", "deal_lost",
    "sales_accepted", "sales_rejected",
})  # fmt: skip
# Types that may carry an amount.
OF_MONEY: Final = frozenset({
    "purchase_made", "purchase_refunded", "cart_abandoned", "subscription_renewed",
    "proposal_sent", "deal_won", "deal_lost",
})  # fmt: skip
COMMERCE: Final = OF_MONEY | OF_SERVERS_ALONE

_AMOUNTS = ("amount", "revenue", "total", "value")
_ORDERS = ("order_id", "orderId", "checkout_id", "transaction_id")
_CURRENCY = re.compile(r"[A-Za-z]{3}")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,6})?")
_ITEM = ("name", "sku", "product_id", "category", "brand", "variant")
ITEMS: Final = 100
_MOST = 1e12


def checked(event_type: str, properties: dict[str, Any], *, public: bool) -> dict[str, Any]:
    """The properties, with `amount` (a number), `currency` (three capitals), `items`, `category`,
    `brand` and `order_id` where they are said, and the order as `signal_key`: whoever else tells of
    it tells of the same. Raises Refusal: 400 for what is none of these, 403 for what a public key
    may not say.
    """
    if public and event_type in OF_SERVERS_ALONE:
        raise Refusal(
            403, "secret_key_needed", "This event is taken with a secret key alone.", "event"
        )
    if event_type not in OF_MONEY:
        return properties
    found = dict(properties)
    _amount(found)
    _currency(found)
    _items(found)
    order = next((found[name] for name in _ORDERS if found.get(name)), None)
    if isinstance(order, (str, int)) and not isinstance(order, bool):
        check_text(str(order), "properties.order_id", 200)
        found["order_id"] = str(order)
        found.setdefault("signal_key", f"{event_type}:{order}")
    return found


def _amount(found: dict[str, Any]) -> None:
    name = next((name for name in _AMOUNTS if found.get(name) is not None), None)
    if name is None:
        return
    given = found[name]
    if isinstance(given, str) and _NUMBER.fullmatch(given.strip()):
        given = float(given)
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not math.isfinite(given):
        raise invalid(
            "amount_invalid", "An amount is a number, such as 49.9.", f"properties.{name}"
        )
    if not 0 <= given <= _MOST:
        raise invalid(
            "amount_invalid",
            "An amount is 0 or more: a refund is an event of its own.",
            f"properties.{name}",
        )
    found["amount"] = given


def _currency(found: dict[str, Any]) -> None:
    given = found.get("currency")
    if given in (None, ""):
        return
    if not isinstance(given, str) or not _CURRENCY.fullmatch(given.strip()):
        raise invalid(
            "currency_invalid", "A currency has three letters (ISO 4217).", "properties.currency"
        )
    found["currency"] = given.strip().upper()


def _items(found: dict[str, Any]) -> None:
    """What was bought; the first that names a category and a brand speaks for the order."""
    given = found.get("items", found.get("products"))
    if given is None:
        return
    path = "properties.items" if "items" in found else "properties.products"
    if not isinstance(given, list):
        raise invalid("items_invalid", "Items are a list.", path)
    if len(given) > ITEMS:
        raise invalid("items_invalid", f"An order may have {ITEMS} items.", path)
    items = [_item(one) for one in given]
    found.pop("products", None)
    found["items"] = items
    for name in ("category", "brand"):
        if not found.get(name):
            said = next((one[name] for one in items if isinstance(one, dict) and one.get(name)), "")
            if said:
                found[name] = said


def _item(given: Any) -> Any:
    """Of an object what rules can use; a name alone stays a name."""
    if not isinstance(given, dict):
        return given
    kept = {name: given[name] for name in (*_ITEM, "price", "quantity") if given.get(name)}
    return kept or given

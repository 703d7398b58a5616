"""From a delivery to its items: the shapes that providers send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from services.ingest.json_checks import decode
from services.ingest.limits import WEBHOOK_EVENTS
from services.ingest.providers.contract import Account, Delivery
from services.ingest.refusal import invalid

_list = msgspec.json.Decoder(list[msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def array_items(body: bytes) -> Sequence[bytes | Any]:
    """Of a JSON array. Raises Refusal for anything else."""
    items = decode(_list, body)
    if len(items) > WEBHOOK_EVENTS:
        raise invalid("batch_too_long", f"A webhook may have {WEBHOOK_EVENTS} items.")
    return items


def array(delivery: Delivery, _account: Account) -> Sequence[bytes | Any]:
    """A JSON array of items."""
    return array_items(delivery.body)


def single(delivery: Delivery, _account: Account) -> Sequence[bytes | Any]:
    """The body is one item."""
    return [delivery.body]


def single_or_array(delivery: Delivery, _account: Account) -> Sequence[bytes | Any]:
    """One item, or an array of them."""
    if delivery.body.lstrip()[:1] == b"[":
        return array_items(delivery.body)
    return [delivery.body]


def array_in(body: bytes, name: str) -> Sequence[bytes | Any]:
    """Of the array that is a member of a JSON object. Raises Refusal."""
    document = decode(_object, body)
    if name not in document:
        raise invalid("items_missing", f"The body has no {name}.", name)
    return array_items(bytes(document[name]))


def text(item: dict[str, Any], *path: str) -> str:
    """A text at a path of an item (whole numbers as digits), "" for what isn't there."""
    value: Any = item
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool):
        return ""
    return str(value) if isinstance(value, (str, int)) else ""


def kind_of(item: dict[str, Any], types: dict[str, str | None], *path: str) -> tuple[str, str]:
    """(the provider's name of what happened, our type or "" where it is left out). Raises Refusal
    for what the table of types doesn't know.
    """
    kind = text(item, *path)
    if kind not in types:
        where = ".".join(path)
        raise invalid("event_unknown", f"The item's {where} is none that we know.", where)
    return kind, types[kind] or ""

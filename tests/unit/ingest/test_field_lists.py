"""Lists of fields that are kept, and of those that are not."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.ingest.field_lists import FieldLists, field_lists

ORDER: dict[str, Any] = {
    "plan": "b",
    "ssn": "123",
    "order": {"total": 4, "Card": {"number": "4111", "name": "Ada"}},
    "products": [{"name": "x", "price": 1}, {"name": "y"}, 7],
    "user.email": "a@b.co",
    "user.a\nb": "x",
}


def dropped(pattern: str) -> float:
    name = "leadscore_ingest_fields_dropped_total"
    return REGISTRY.get_sample_value(name, {"pattern": pattern}) or 0


@pytest.mark.parametrize(
    ("deny", "missing"),
    [
        ("properties.ssn", [("ssn",)]),
        ("properties.order.card", [("order", "Card")]),
        ("*.*.card.num*", [("order", "Card", "number")]),
        ("**.name", [("order", "Card", "name"), ("products", 0, "name"), ("products", 1, "name")]),
        ("properties.user.email", [("user.email",)]),
        ("properties.user", [("user.email",), ("user.a\nb",)]),
        ("traits.ssn", []),
        ("properties.s?n, properties.plan", [("ssn",), ("plan",)]),
    ],
)
def test_denied_fields_go_with_all_below_them(deny: str, missing: list[tuple[Any, ...]]) -> None:
    """Names in any case, at any depth, in lists, and with dots in them."""
    kept = FieldLists(deny, "").kept(ORDER, "properties")
    assert leaves(ORDER) - leaves(kept) == {
        leaf for leaf in leaves(ORDER) if any(leaf[: len(path)] == path for path in missing)
    }


def test_of_a_part_that_the_allow_list_names_only_that_is_kept() -> None:
    """Other parts stay whole; what is denied goes all the same."""
    lists = FieldLists("**.number", "properties.plan,properties.order,properties.products.price")
    assert lists.kept(ORDER, "properties") == {
        "plan": "b", "order": {"total": 4, "Card": {"name": "Ada"}}, "products": [{"price": 1}],
    }  # fmt: skip
    assert lists.kept({"a": 1}, "traits") == {"a": 1}


def test_needed_fields_stay() -> None:
    """An alias without its previous id would be nothing."""
    lists = FieldLists("properties.*", "")
    assert lists.kept({"previous_id": "u", "a": 1}, "properties", frozenset({"previous_id"})) == {
        "previous_id": "u"
    }


def test_dropped_fields_are_counted_by_the_pattern() -> None:
    """Never by what was sent."""
    before, others = dropped("properties.ss*"), dropped("not allowed")
    FieldLists("properties.ss*", "properties.plan").kept(ORDER, "properties")
    assert dropped("properties.ss*") == before + 1
    assert dropped("not allowed") == others + 9


def test_without_lists_there_is_nothing_to_do() -> None:
    """And a pattern that can never fit is refused at the start."""
    assert field_lists(" ", "") is None
    for wrong in ("email", "property.x", "traits.a(b)"):
        with pytest.raises(ValueError, match=r"field|pattern"):
            field_lists(wrong, "")


def leaves(value: Any, path: tuple[Any, ...] = ()) -> set[tuple[Any, ...]]:
    if isinstance(value, dict):
        return {leaf for name, item in value.items() for leaf in leaves(item, (*path, name))}
    if isinstance(value, list):
        return {leaf for at, item in enumerate(value) for leaf in leaves(item, (*path, at))}
    return {path}

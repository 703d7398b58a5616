"""Ids that name nobody."""

from __future__ import annotations

import pytest

from shared.id_form import id_form, is_placeholder, system_form


@pytest.mark.parametrize(
    "value",
    ["null", "NULL", "undefined", "Unknown", "anonymous", "none", "guest", "-1", "0", "0000",
     "00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "-", "",
     "[object Object]", "{{user_id}}", "${userId}", "%%emailaddr%%", "*|UNIQID|*", "[[id]]"],
)  # fmt: skip
def test_placeholders_are_known(value: str) -> None:
    """As an identifier each would make one person of thousands."""
    assert is_placeholder(value)


@pytest.mark.parametrize(
    "value",
    ["u-1", "007", "0a", "10", "nulls", "guest42", "{id}", "[1]", "-12", "Anon E. Mouse",
     "00000000-0000-0000-0000-000000000001"],
)  # fmt: skip
def test_ids_that_only_remind_of_them_are_kept(value: str) -> None:
    """The table names whole values."""
    assert not is_placeholder(value)


def test_ids_are_trimmed_and_composed_and_keep_their_case() -> None:
    """A user id may differ by case alone; by Unicode's forms it can't be told apart."""
    assert id_form(" U-1\n") == "U-1"
    assert id_form("jose\u0301\u00a0") == "jos\u00e9"


@pytest.mark.parametrize(
    ("given", "kept"),
    [("CRM", "crm"), (" HubSpot Contact ", "hubspot_contact"), ("a:b", None), ("", None),
     ("x" * 65, None), ("_a", None)],
)  # fmt: skip
def test_a_system_has_a_plain_name(given: str, kept: str | None) -> None:
    """It stands before a colon in the table of identifiers."""
    assert system_form(given) == kept

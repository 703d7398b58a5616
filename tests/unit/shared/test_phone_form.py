"""Phone numbers as E.164, with the extra and without."""

from __future__ import annotations

import sys

import pytest

from shared.phone_form import phone_reader, written_e164


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("+43 660 123-4567", "+436601234567"),
        ("0043 (660) 1234567", "+436601234567"),
        ("+49 (0)89 2180 0", None),
        ("0660 1234567", None),
        ("+43", None),
        ("phone", None),
        ("+1 000 000 0000", None),
        ("+49 1234567890", None),
        ("+" + "1" * 60, None),
    ],
)
def test_without_the_extra_the_country_code_must_stand_there(given: str, kept: str | None) -> None:
    """A number that can't be read for certain names nobody."""
    assert written_e164(given) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("+49 (0)89 21800", "+498921800"),
        ("089 21800", "+498921800"),
        ("0043 660 1234567", "+436601234567"),
        ("tel:+49-89-21800", "+498921800"),
        ("+49 89 21800 ext. 12", None),
        ("12", None),
        ("+999 1234567", None),
        ("+1 555", None),
    ],
)
def test_with_the_extra_numbers_are_read_as_at_home(given: str, kept: str | None) -> None:
    """By the region's plan; a line that many share (an extension) is nobody's."""
    assert phone_reader("de")(given) == kept


def test_a_region_must_be_one() -> None:
    """When the process starts."""
    with pytest.raises(ValueError, match="two letters"):
        phone_reader("Germany")


def test_a_region_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said at the start; without a region numbers are read as they are written."""
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    assert phone_reader("")("+49 89 21800") == "+498921800"
    with pytest.raises(ValueError, match=r"leadscore\[phone\]"):
        phone_reader("DE")

"""Cells that a spreadsheet would run, and those that it wouldn't."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.csv_cells import FORMULA_STARTS, safe_cell


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=", "-", "+49 30 1", "-inf",
     "+nan", "-1_000", "-１"],
)  # fmt: skip
def test_a_text_that_looks_like_a_formula_gets_an_apostrophe(text: str) -> None:
    """In front, where spreadsheets heed it."""
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["-5", "+4930123456", "-1.5e3", "a=1", "", "'=1", 5, -5, -1.5])
def test_numbers_and_other_texts_are_left_alone(value: object) -> None:
    """Also negative ones, and phone numbers."""
    assert safe_cell(value) == value


def test_nothing_and_truths_have_a_form() -> None:
    """Not Python's."""
    assert [safe_cell(one) for one in (None, True, False)] == ["", "true", "false"]


@given(st.text(max_size=20) | st.integers() | st.floats())
def test_no_cell_begins_a_formula_but_numbers(value: object) -> None:
    """Whatever comes."""
    text = str(safe_cell(value))
    assert not text.startswith(FORMULA_STARTS) or float(text) is not None

"""Cells of CSV files that spreadsheets open: text that looks like a formula must not become one."""

from __future__ import annotations

import math
from typing import Any, Final

# What makes a spreadsheet run a cell (OWASP, CSV injection).
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: Any) -> Any:
    """The value of a cell. A text that begins like a formula gets an apostrophe in front, unless it
    is a number; None is an empty cell, a truth is true or false.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA_STARTS) and not _is_number(value):
        return f"'{value}"
    return value


def _is_number(text: str) -> bool:
    """Digits with a sign, a point, an exponent: what Python reads besides ("inf", "1_000", spaces)
    isn't one.
    """
    if text.strip() != text or "_" in text or not text.isascii():
        return False
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False

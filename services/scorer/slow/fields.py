"""Conditions over fields of an event and traits, read off the definitions anew."""

from __future__ import annotations

import json
import math
from typing import Any

import re2

Plain = dict[str, Any]

# Patterns with a star or question mark inside, and regular expressions, look at no longer texts.
LONGEST_TEXT = 10_000
LONGEST_NUMBER = 40  # characters of a number that came as text


def read(path: str, event: Plain | None, traits: Plain) -> Any:
    """A field by its path, None where it is missing."""
    value: Any = {**(event or {}), "traits": traits}
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def number_of(value: Any) -> float | None:
    """A finite number, or a short text that is one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, str) and len(value) > LONGEST_NUMBER:
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    usable = math.isfinite(found) if isinstance(value, str) else abs(found) < 1e300
    return found if usable else None


def type_matches(on: str | list[str], event_type: str) -> bool:
    """Is a type among these names and patterns?"""
    names = on if isinstance(on, list) else [on]
    return any(like(event_type, name) for name in names)


def like(text: str, pattern: str) -> bool:
    """Does a whole text match? * stands for any run of characters, ? for one."""
    inner = pattern.strip("*")
    if "*" not in inner and "?" not in inner:
        if pattern == inner:
            return text == pattern
        if pattern == inner + "*":
            return text.startswith(inner)
        if pattern == "*" + inner:
            return text.endswith(inner)
    if len(text) > LONGEST_TEXT:
        return False
    parts = {"*": "(?s:.*)", "?": "(?s:.)"}
    written = "".join(parts.get(one) or re2.escape(one) for one in pattern)
    return re2.fullmatch(written, text) is not None


def distinct(value: Any) -> tuple[str, str]:
    """What tells a value from others: 1, 1.0, true and their texts are five."""
    return type(value).__name__, json.dumps(value, sort_keys=True)


def field_holds(condition: Plain, event: Plain | None, traits: Plain) -> bool:
    """Do all operators of a condition on a field hold?"""
    value = read(condition["field"], event, traits)
    fold = condition.get("ignore_case", False)
    return all(
        _asked(operator, operand, value, fold)
        for operator, operand in condition.items()
        if operator not in ("field", "ignore_case")
    )


def _asked(operator: str, operand: Any, value: Any, fold: bool) -> bool:
    if operator == "exists":
        return (value is not None) is bool(operand)
    if value is None:
        return False
    if operator in ("gt", "gte", "lt", "lte"):
        return _compared(operator, operand, value)
    low = _low if fold else (lambda x: x)
    if operator == "eq":
        return _same(low(value), low(operand))
    if operator == "ne":
        return not _same(low(value), low(operand))
    if operator == "in":
        return any(_same(low(value), low(one)) for one in operand)
    wanted = [low(one) for one in (operand if isinstance(operand, list) else [operand])]
    if operator == "contains":
        held = [low(one) for one in value] if isinstance(value, list) else low(value)
        return isinstance(held, str | list) and any(one in held for one in wanted)
    if not isinstance(value, str):
        return False
    if operator == "glob":
        return any(like(low(value), one) for one in wanted)
    assert operator == "matches"
    written = operand if isinstance(operand, list) else [operand]
    flag = "(?i)" if fold else ""
    return len(value) <= LONGEST_TEXT and any(
        re2.search(f"{flag}(?:{one})", value) is not None for one in written
    )


def _low(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _same(left: Any, right: Any) -> bool:
    """Are a value and what is asked for the same? true is not 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _compared(operator: str, bound: float, value: Any) -> bool:
    found = number_of(value)
    if found is None:
        return False
    return {
        "gt": found > bound, "gte": found >= bound,
        "lt": found < bound, "lte": found <= bound,
    }[operator]  # fmt: skip

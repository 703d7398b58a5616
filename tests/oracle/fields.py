"""Conditions over fields of an event and traits, read off the definitions anew."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

Plain = dict[str, Any]


def read(path: str, event: Plain | None, traits: Plain) -> Any:
    """A field by its path, None where it is missing."""
    value: Any = {**(event or {}), "traits": traits}
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def number_of(value: Any) -> float | None:
    """A number, or a text that is one."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def type_matches(on: str | list[str], event_type: str) -> bool:
    """Is a type among these names and patterns?"""
    names = on if isinstance(on, list) else [on]
    return any(fnmatch.fnmatchcase(event_type, name) for name in names)


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
        return (value is not None) == operand
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
        return any(fnmatch.fnmatchcase(low(value), one) for one in wanted)
    assert operator == "matches"
    return any(re.search(one, low(value)) for one in wanted)


def _low(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _same(left: Any, right: Any) -> bool:
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

"""Conditions of rules, compiled to closures over an event and the lead's traits.

A field that is missing, null or of another kind makes its condition false; nothing raises. Text is
compared as it is unless ignore_case is set. A number that came as text (forms send text only)
counts as a number for gt, gte, lt and lte.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import re2

from services.scorer.core.cel import compile_expression
from shared.envelope import Event
from shared.ruleset.document import Condition

Traits = Mapping[str, Any]
Check = Callable[[Event, Traits], bool]
Getter = Callable[[Event, Traits], Any]
Test = Callable[[Any], bool]

_LONGEST_TEXT = 10_000


def getter(path: str) -> Getter:
    """Read `path` of an event, None where it is missing.

    type, source, identifiers.email (any identifier's kind), verdict.judgement, properties.…,
    context.…, consent.…, and traits.…: the lead's traits, with this event's already taken in.
    """
    root, *keys = path.split(".")
    if root in {"type", "source"} and not keys:
        return (lambda event, _: event.type) if root == "type" else (lambda event, _: event.source)
    if root == "traits":
        return _nested(lambda _, traits: traits, keys)
    if root == "properties":
        return _properties(keys)
    if root == "context":
        return _context(keys)
    if root == "consent":
        return _nested(lambda event, _: event.consent, keys)
    if root == "identifiers":
        return _identifier(keys)
    if path == "verdict.judgement":
        return lambda event, _: event.verdict.judgement
    raise ValueError(path)


def _properties(keys: list[str]) -> Getter:
    if len(keys) == 1:
        key = keys[0]
        return lambda event, _: event.properties.get(key)
    return _nested(lambda event, _: event.properties, keys)


def _context(keys: list[str]) -> Getter:
    if len(keys) != 2:
        return _nested(lambda event, _: event.context, keys)
    outer, inner = keys

    def get(event: Event, _: Traits) -> Any:
        part = event.context.get(outer)
        return part.get(inner) if type(part) is dict else None

    return get


def _identifier(keys: list[str]) -> Getter:
    kind = keys[0]
    if kind == "external":
        return _nested(lambda event, _: event.identifiers.external, keys[1:])
    return lambda event, _: getattr(event.identifiers, kind)


def _nested(root: Getter, keys: list[str]) -> Getter:
    def get(event: Event, traits: Traits) -> Any:
        value = root(event, traits)
        for key in keys:
            if not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return value

    return get


def compile_condition(condition: Condition) -> Check:
    """The condition as one function. Assumes a document that reading.py has accepted."""
    if condition.all_ is not None:
        return _every([compile_condition(part) for part in condition.all_])
    if condition.any_ is not None:
        return _some([compile_condition(part) for part in condition.any_])
    if condition.not_ is not None:
        part = compile_condition(condition.not_)
        return lambda event, traits: not part(event, traits)
    if condition.cel is not None:
        return compile_expression(condition.cel)
    assert condition.field is not None
    return _every([_on_field(getter(condition.field), test) for test in _tests(condition)])


def _on_field(get: Getter, test: Test) -> Check:
    return lambda event, traits: test(get(event, traits))


def _every(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda event, traits: first(event, traits) and second(event, traits)
    return lambda event, traits: all(check(event, traits) for check in checks)


def _some(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    if len(checks) == 2:
        first, second = checks
        return lambda event, traits: first(event, traits) or second(event, traits)
    return lambda event, traits: any(check(event, traits) for check in checks)


def value_test(condition: Condition) -> Test:
    """What a condition on one field asks of its value."""
    tests = _tests(condition)
    return tests[0] if len(tests) == 1 else lambda value: all(test(value) for test in tests)


def _tests(condition: Condition) -> list[Test]:
    fold = condition.ignore_case
    tests: list[Test] = []
    for name, make in _VALUE_TESTS.items():
        value = getattr(condition, name)
        if value is not None:
            tests.append(make(value, fold))
    for name, compare in _COMPARISONS.items():
        bound = getattr(condition, name)
        if bound is not None:
            tests.append(compare(float(bound)))
    return tests


def _folded(test: Test) -> Test:
    return lambda value: test(value.casefold()) if isinstance(value, str) else test(value)


def _key(value: Any) -> Any:
    """What equality compares: true is not 1."""
    return (value,) if isinstance(value, bool) else value


def _is_one_of(values: list[Any], fold: bool) -> Test:
    wanted = frozenset(
        _key(value.casefold() if fold and isinstance(value, str) else value) for value in values
    )

    def test(value: Any) -> bool:
        if type(value) is str:
            return value in wanted
        return isinstance(value, int | float) and _key(value) in wanted

    return _folded(test) if fold else test


def _is_none_of(values: list[Any], fold: bool) -> Test:
    same = _is_one_of(values, fold)
    return lambda value: value is not None and not same(value)


def _globs(patterns: list[str], fold: bool) -> Test:
    tests = [glob_test(pattern.casefold() if fold else pattern) for pattern in patterns]
    test = tests[0] if len(tests) == 1 else lambda value: any(one(value) for one in tests)
    return _folded(test) if fold else test


def glob_test(pattern: str) -> Test:
    """Does a whole text match? * stands for any run of characters, ? for one."""
    inner = pattern.strip("*")
    if not ("*" in inner or "?" in inner):
        if inner == pattern:
            return lambda value: value == pattern
        if pattern == inner + "*":
            return lambda value: isinstance(value, str) and value.startswith(inner)
        if pattern == "*" + inner:
            return lambda value: isinstance(value, str) and value.endswith(inner)
    parts = {"*": "(?s:.*)", "?": "(?s:.)"}
    return _full_match("".join(parts.get(char) or re2.escape(char) for char in pattern), "")


def _full_match(pattern: str, flags: str) -> Test:
    expression = re2.compile(f"{flags}(?:{pattern})")
    fullmatch = expression.fullmatch
    return lambda value: (
        isinstance(value, str) and len(value) <= _LONGEST_TEXT and fullmatch(value) is not None
    )


def _matches(patterns: list[str], fold: bool) -> Test:
    tests = []
    for pattern in patterns:
        search = re2.compile(("(?i)" if fold else "") + f"(?:{pattern})").search
        tests.append(search)
    return lambda value: (
        isinstance(value, str)
        and len(value) <= _LONGEST_TEXT
        and any(search(value) is not None for search in tests)
    )


def _contains(needles: list[str], fold: bool) -> Test:
    wanted = [needle.casefold() for needle in needles] if fold else needles

    def test(value: Any) -> bool:
        if isinstance(value, str):
            text = value.casefold() if fold else value
            return any(needle in text for needle in wanted)
        if isinstance(value, list):
            items = [item.casefold() if fold and isinstance(item, str) else item for item in value]
            return any(needle in items for needle in wanted)
        return False

    return test


def _exists(wanted: bool, _: bool) -> Test:
    return (lambda value: value is not None) if wanted else (lambda value: value is None)


def number(value: Any) -> float | None:
    """The number a value stands for, None when it stands for none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e300 else None
    if isinstance(value, str) and len(value) <= 40:
        try:
            found = float(value)
        except ValueError:
            return None
        return found if math.isfinite(found) else None
    return None


def _greater(bound: float) -> Test:
    return lambda value: (found := number(value)) is not None and found > bound


def _at_least(bound: float) -> Test:
    return lambda value: (found := number(value)) is not None and found >= bound


def _less(bound: float) -> Test:
    return lambda value: (found := number(value)) is not None and found < bound


def _at_most(bound: float) -> Test:
    return lambda value: (found := number(value)) is not None and found <= bound


_VALUE_TESTS: dict[str, Callable[[Any, bool], Test]] = {
    "eq": lambda value, fold: _is_one_of([value], fold),
    "ne": lambda value, fold: _is_none_of([value], fold),
    "in_": _is_one_of,
    "glob": _globs,
    "contains": _contains,
    "matches": _matches,
    "exists": _exists,
}
_COMPARISONS: dict[str, Callable[[float], Test]] = {
    "gt": _greater,
    "gte": _at_least,
    "lt": _less,
    "lte": _at_most,
}

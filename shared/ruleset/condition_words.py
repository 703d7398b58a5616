"""Conditions in plain English."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shared.ruleset.condition import OPERATORS, Condition

_UNITS = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second"))
_KNOWN_FIELDS = {
    "type": "the type",
    "source": "the source",
    "context.page.path": "the page's path",
    "context.page.title": "the page's title",
    "context.page.url": "the page's address",
    "context.page.referrer": "the page before",
    "verdict.judgement": "the verdict",
}
_ROOTS = {
    "properties": "the event's",
    "traits": "the lead's",
    "context": "the context's",
    "consent": "the consent's",
    "identifiers": "the lead's",
}


def duration_words(milliseconds: int) -> str:
    """Such as 30 days, in the largest unit that it is a whole number of."""
    for length, unit in _UNITS:
        if milliseconds % length == 0:
            return counted(milliseconds // length, unit)
    return counted(milliseconds, "millisecond")


def counted(number: int, noun: str) -> str:
    """1 day, 2 days."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def number_words(value: float) -> str:
    """A number without idle zeros."""
    return f"{value:.10g}"


def listed(words: Sequence[str], last: str = "or") -> str:
    """a, b or c."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def field_words(path: str) -> str:
    """A path into an event as people say it: traits.company_size is the lead's company size."""
    if path in _KNOWN_FIELDS:
        return _KNOWN_FIELDS[path]
    root, _, rest = path.partition(".")
    return f"{_ROOTS[root]} {rest.replace('_', ' ').replace('.', ' ')}" if root in _ROOTS else path


def types_words(types: Sequence[str] | None) -> str:
    """Event types, any of them for None."""
    return listed(types) if types else "any event"


def condition_words(condition: Condition) -> str:
    """A condition as a clause: the page's path is like /pricing*."""
    for kind, say in _KINDS.items():
        value = getattr(condition, kind)
        if value is not None:
            return say(value)
    assert condition.field is not None
    asked = [
        _OPERATORS[name](getattr(condition, {"in": "in_"}.get(name, name)))
        for name in OPERATORS
        if name in condition.operators
    ]
    case = " (in upper or lower case)" if condition.ignore_case else ""
    return f"{field_words(condition.field)} {' and '.join(asked)}{case}"


def _inner(condition: Condition) -> str:
    """A part of a list of conditions, in parentheses where it is a list itself."""
    words = condition_words(condition)
    several = len(condition.all_ or condition.any_ or ()) > 1
    return f"({words})" if several else words


def _where(types: Sequence[str] | None, when: Condition | None) -> str:
    words = types_words(types)
    return words if when is None else f"{words} where {condition_words(when)}"


def _count(count: Any) -> str:
    bound = "at least" if count.at_least is not None else "at most"
    times = count.at_least if count.at_least is not None else count.at_most
    within = duration_words(count.within)
    return f"there were {bound} {times} of {_where(count.on, count.when)} within {within}"


def _since(since: Any) -> str:
    return f"there was {_where(since.on, since.when)} within {duration_words(since.within)}"


def _quiet(quiet: Any) -> str:
    return f"there was no {quiet_words(quiet.on, quiet.when)} for {duration_words(quiet.for_)}"


def quiet_words(types: Sequence[str] | None, when: Condition | None = None) -> str:
    """What is missing: page_viewed, or event at all."""
    return (
        _where(types, when).replace("any event", "event", 1) if not types else _where(types, when)
    )


def _sequence(sequence: Any) -> str:
    steps = ", then ".join(_where(step.on, step.when) for step in sequence.steps)
    return f"it completes {steps} within {duration_words(sequence.within)}"


def _seen(seen: Any) -> str:
    times = "" if seen.at_least == 1 else f"at least {seen.at_least} of "
    return f"there ever was {times}{_where(seen.on, seen.when)}"


def _quoted(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_words(value) if isinstance(value, int | float) else f"“{value}”"


def _texts(values: Sequence[Any]) -> str:
    shown = [_quoted(value) for value in values[:6]]
    more = len(values) - len(shown)
    return listed([*shown, f"{more} more"] if more else shown)


_KINDS: dict[str, Callable[[Any], str]] = {
    "all_": lambda parts: " and ".join(_inner(part) for part in parts),
    "any_": lambda parts: " or ".join(_inner(part) for part in parts),
    "not_": lambda part: f"it isn't so that {_inner(part)}",
    "segment": lambda name: f"the lead is in the segment {name}",
    "persona": lambda name: f"the lead's persona is {name}",
    "count": _count,
    "since": _since,
    "quiet": _quiet,
    "sequence": _sequence,
    "seen": _seen,
    "cel": lambda expression: f"the expression {expression} holds",
}
_OPERATORS: dict[str, Callable[[Any], str]] = {
    "eq": lambda value: f"is {_quoted(value)}",
    "ne": lambda value: f"isn't {_quoted(value)}",
    "in": lambda values: f"is {_texts(values)}",
    "glob": lambda values: f"is like {_texts(values)}",
    "contains": lambda values: f"has {_texts(values)} in it",
    "matches": lambda values: f"matches {_texts(values)}",
    "gt": lambda value: f"is over {number_words(value)}",
    "gte": lambda value: f"is at least {number_words(value)}",
    "lt": lambda value: f"is under {number_words(value)}",
    "lte": lambda value: f"is at most {number_words(value)}",
    "exists": lambda there: "is known" if there else "is missing",
}

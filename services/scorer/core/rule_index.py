"""Finds the few rules that can match an event: by type, and below the type by literals.

Most rules ask for one text in one field: `eq`, `in`, or a glob that begins with plain text. Those
stand in tables by that field's value, so a type may carry hundreds of rules and an event only
meets the few whose literal it carries. A rule found by all it asks for isn't checked again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.scorer.core.conditions import compile_condition, getter, glob_test
from shared.envelope import Event
from shared.ruleset.document import Condition

if TYPE_CHECKING:
    from services.scorer.core.compiled import Rule
    from services.scorer.core.conditions import Check, Traits

# Custom types and the values of fields come from senders: what is remembered of them is bounded.
_MOST_TYPES = 4096
_MOST_VALUES = 8192
# A field with fewer literals than this isn't worth a table.
_FEWEST_RULES = 2
_MOST_FIELDS = 3

Candidate = tuple["Rule", "Check | None"]


@dataclass(frozen=True, slots=True)
class Literal:
    """What a condition asks of one field: one of these texts, or one that begins with these.

    rest: what is left to check beside that, None for nothing.
    """

    field: str
    texts: tuple[str, ...]
    beginnings: tuple[str, ...]
    rest: Condition | None


def literals_of(condition: Condition) -> list[Literal]:
    """Every way to find a rule with this condition by one field; empty when there is none."""
    if condition.all_ is not None:
        found = []
        for at, part in enumerate(condition.all_):
            others = [*condition.all_[:at], *condition.all_[at + 1 :]]
            for literal in literals_of(part):
                left = others if literal.rest is None else [literal.rest, *others]
                rest = None if not left else _all_of(left)
                found.append(Literal(literal.field, literal.texts, literal.beginnings, rest))
        return found
    if condition.field is None or condition.ignore_case:
        return []
    exact = len(condition.operators) == 1
    rest = None if exact else condition
    if isinstance(condition.eq, str):
        return [Literal(condition.field, (condition.eq,), (), rest)]
    wanted = condition.in_
    if wanted is not None and all(isinstance(value, str) for value in wanted):
        return [Literal(condition.field, tuple(str(value) for value in wanted), (), rest)]
    return _glob_literal(condition, exact)


def _all_of(parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else Condition(all=parts)


def _glob_literal(condition: Condition, exact: bool) -> list[Literal]:
    texts, beginnings = [], []
    for pattern in condition.glob or ():
        beginning = pattern.split("*", 1)[0].split("?", 1)[0]
        if beginning == pattern:
            texts.append(pattern)
            continue
        beginnings.append(beginning)
        exact = exact and pattern == beginning + "*"
    if not (texts or beginnings) or "" in beginnings or condition.field is None:
        return []
    rest = None if exact else condition
    return [Literal(condition.field, tuple(texts), tuple(beginnings), rest)]


class _Table:
    """Rules by the value of one field. `always`: rules that are candidates whatever it is."""

    __slots__ = ("_always", "_by_beginning", "_by_text", "_lengths", "_memo", "get")

    def __init__(self, field: str, found: list[tuple[Rule, Literal]], always: list[Rule]) -> None:
        self.get = getter(field)
        self._always = tuple((rule, rule.check) for rule in always)
        self._by_text: dict[str, list[Candidate]] = {}
        self._by_beginning: dict[str, list[Candidate]] = {}
        for rule, literal in found:
            check = None if literal.rest is None else compile_condition(literal.rest)
            for text in literal.texts:
                self._by_text.setdefault(text, []).append((rule, check))
            for beginning in literal.beginnings:
                self._by_beginning.setdefault(beginning, []).append((rule, check))
        self._lengths = sorted({len(beginning) for beginning in self._by_beginning})
        self._memo: dict[str, tuple[Candidate, ...]] = {}

    def candidates(self, event: Event, traits: Traits) -> tuple[Candidate, ...]:
        value = self.get(event, traits)
        if type(value) is not str:
            return self._always
        known = self._memo.get(value)
        return known if known is not None else self._look_up(value)

    def _look_up(self, value: str) -> tuple[Candidate, ...]:
        found = {rule.order: (rule, check) for rule, check in self._always}
        for rule, check in self._by_text.get(value, ()):
            found[rule.order] = (rule, check)
        for length in self._lengths:
            for rule, check in self._by_beginning.get(value[:length], ()):
                found[rule.order] = (rule, check)
        candidates = tuple(found[order] for order in sorted(found))
        if len(value) <= 500:
            if len(self._memo) >= _MOST_VALUES:
                self._memo.clear()
            self._memo[value] = candidates
        return candidates


class _Shelf:
    """The rules of one event type: in tables, as far as they have literals."""

    __slots__ = ("first", "others", "plain")

    def __init__(self, rules: list[Rule]) -> None:
        literals = {
            rule.order: literals_of(rule.condition) if rule.condition is not None else []
            for rule in rules
        }
        tables: list[tuple[str, list[tuple[Rule, Literal]]]] = []
        left = rules
        while len(tables) < _MOST_FIELDS:
            counts = Counter(
                field for rule in left for field in {one.field for one in literals[rule.order]}
            )
            if not counts or max(counts.values()) < _FEWEST_RULES:
                break
            field = max(sorted(counts), key=lambda name: counts[name])
            found = []
            for rule in left:
                literal = next((one for one in literals[rule.order] if one.field == field), None)
                if literal is not None:
                    found.append((rule, literal))
            taken = {rule.order for rule, _ in found}
            left = [rule for rule in left if rule.order not in taken]
            tables.append((field, found))
        self.plain = tuple((rule, rule.check) for rule in left)
        self.first = _Table(tables[0][0], tables[0][1], left) if tables else None
        self.others = tuple(_Table(field, found, []) for field, found in tables[1:])

    def matching(self, event: Event, traits: Traits) -> list[Rule]:
        if self.first is None:
            candidates = self.plain
        else:
            candidates = self.first.candidates(event, traits)
            if self.others:
                more = [one for table in self.others for one in table.candidates(event, traits)]
                if more:
                    candidates = tuple(sorted((*candidates, *more), key=_order))
        return [rule for rule, check in candidates if check is None or check(event, traits)]


def _order(candidate: Candidate) -> int:
    return candidate[0].order


class RuleIndex:
    """Rules by event type. A rule's `on` may be types, and globs over types."""

    def __init__(self, rules: list[Rule]) -> None:
        self._by_type: dict[str, list[Rule]] = {}
        self._by_glob = []
        for rule in rules:
            globs = [name for name in rule.on if "*" in name or "?" in name]
            if globs:
                self._by_glob.append((rule, [glob_test(name) for name in globs]))
            for name in set(rule.on) - set(globs):
                self._by_type.setdefault(name, []).append(rule)
        self._shelves = {name: self._shelf(name) for name in self._by_type}

    def matching(self, event: Event, traits: Traits) -> list[Rule]:
        """The rules that the event matches, in order of granting."""
        shelf = self._shelves.get(event.type)
        if shelf is None:
            if not self._by_glob:
                return []
            if len(self._shelves) >= _MOST_TYPES + len(self._by_type):
                self._shelves = {name: self._shelf(name) for name in self._by_type}
            shelf = self._shelves[event.type] = self._shelf(event.type)
        return shelf.matching(event, traits)

    def _shelf(self, event_type: str) -> _Shelf:
        found = {rule.order: rule for rule in self._by_type.get(event_type, ())}
        for rule, tests in self._by_glob:
            if any(test(event_type) for test in tests):
                found[rule.order] = rule
        return _Shelf([found[order] for order in sorted(found)])

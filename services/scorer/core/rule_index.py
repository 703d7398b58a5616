"""Finds the few rules that can match an event: by type, and below the type by literals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.scorer.core.conditions import glob_test
from shared.envelope import Event

if TYPE_CHECKING:
    from services.scorer.core.compile import Rule
    from services.scorer.core.conditions import Traits

# Custom types come from senders: what is remembered per type is bounded.
_MOST_TYPES = 4096


class RuleIndex:
    """Rules by event type. A rule's `on` may be a type or a glob over types."""

    def __init__(self, rules: list[Rule]) -> None:
        self._by_type: dict[str, list[Rule]] = {}
        self._by_glob: list[tuple[Rule, list[object]]] = []
        for rule in rules:
            for name in rule.on:
                if "*" not in name and "?" not in name:
                    self._by_type.setdefault(name, []).append(rule)
        self._globbed = [
            (rule, [glob_test(n) for n in rule.on if "*" in n or "?" in n]) for rule in rules
        ]
        self._globbed = [(rule, tests) for rule, tests in self._globbed if tests]
        self._memo: dict[str, tuple[Rule, ...]] = {}

    def matching(self, event: Event, traits: Traits) -> list[Rule]:
        """The rules that the event matches, in order of granting."""
        candidates = self._memo.get(event.type)
        if candidates is None:
            candidates = self._for_type(event.type)
        return [rule for rule in candidates if rule.check is None or rule.check(event, traits)]

    def _for_type(self, event_type: str) -> tuple[Rule, ...]:
        found = {rule.order: rule for rule in self._by_type.get(event_type, ())}
        for rule, tests in self._globbed:
            if any(test(event_type) for test in tests):
                found[rule.order] = rule
        candidates = tuple(found[order] for order in sorted(found))
        if len(self._memo) >= _MOST_TYPES:
            self._memo.clear()
        self._memo[event_type] = candidates
        return candidates

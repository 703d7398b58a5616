"""Witnesses: made-up events of a lead that should make one rule score, built from its condition.

A condition is taken apart into what it asks of single fields, one way of satisfying it after the
other, and each field gets a value for which all that is asked of it holds. What a lead did before
can't be made up: conditions over time are left as they stand, or the event is made one more of
what they count. Whether a witness is one is for the core to say: see next_steps.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

import msgspec

from services.scorer.core.compiled import Rule
from services.scorer.core.conditions import Traits, getter, glob_test
from services.scorer.core.field_values import Ask, ask_of, fitting, whole
from services.scorer.core.granting import fingerprint
from shared.envelope import Event, Identifiers, Verdict, instant
from shared.event_types import IDENTIFY, OPERATOR, STAGE_OVERRIDDEN, STANDARD_EVENT_TYPES
from shared.lead_state import ScoreState
from shared.ruleset.condition import Condition
from shared.ruleset.part import MAX_POINTS

MOST_WITNESSES = 24
_MOST_STEPS = 1000
# Stands for the source and the id, where they don't matter.
NAME = "what-if"
_WRITTEN = ("properties", "context", "consent", "traits")

# What stands for a pattern over types.
_USUAL_TYPES = ("page_viewed", *sorted(STANDARD_EVENT_TYPES))

# What must hold, or must not: a condition, or something asked of one field.
_Goal = tuple[Condition | Ask, bool]
_Asks = Mapping[str, tuple[Ask, ...]]


def witnesses(
    rule: Rule, state: ScoreState, identifiers: Identifiers, at_ms: int
) -> Iterator[Event]:
    """Events of the lead at an instant that could make an event rule match, or one that holds by
    a condition begin to; the simplest first. None for a rule that waits for a silence.

    identifiers: those of the lead; no others are made up.
    """
    if rule.silence_ms:
        return
    search = _Search(rule, state, identifiers, at_ms)
    seen: list[Event] = []
    for event in islice(search.events(), MOST_WITNESSES):
        if event not in seen:
            seen.append(event)
            yield event


@dataclass(slots=True)
class _Search:
    """For one rule and lead. steps: how many turns the search may still take."""

    rule: Rule
    state: ScoreState
    identifiers: Identifiers
    at_ms: int
    steps: int = _MOST_STEPS

    def events(self) -> Iterator[Event]:
        rule = self.rule
        goals: list[_Goal] = []
        if rule.on:
            goals.append((_of_types(rule.on), True))
        if rule.when is not None:
            goals.append((rule.when, True))
        unused = self._unused()
        found = self._ways(tuple(goals), {})
        if unused is not None:
            # Where a value scores once, one that hasn't scored yet.
            found = chain(self._ways(((unused, True), *goals), {}), found)
        for asks in found:
            event = self._event(asks)
            if event.identifiers == Identifiers() != self.identifiers:
                continue  # then it would be nobody's
            yield event

    def _unused(self) -> Ask | None:
        limit = self.rule.document.limit
        if limit is None or limit.once_per is None:
            return None
        model = self.state.models.get(self.rule.model)
        used = model.limits.get(self.rule.number, []) if model is not None else []
        fresh = tuple(f"new-{number}" for number in range(len(used) + 1))
        return Ask(limit.once_per, lambda value: fingerprint(value) not in used, fresh)

    def _ways(self, goals: tuple[_Goal, ...], asks: _Asks) -> Iterator[_Asks]:
        """What may be asked of each field so that all goals are met, one way after the other."""
        self.steps -= 1
        if self.steps < 0:
            return
        if not goals:
            yield asks
            return
        (goal, wanted), *left = goals
        if isinstance(goal, Condition) and goal.field is None:
            for branch in _branches(goal, wanted):
                yield from self._ways((*branch, *left), asks)
            return
        ask = ask_of(goal, wanted) if isinstance(goal, Condition) else _turned(goal, wanted)
        together = (*asks.get(ask.path, ()), ask)
        if next(self._values(ask.path, together), None) is not None:
            yield from self._ways(tuple(left), {**asks, ask.path: together})

    def _values(self, path: str, asks: Sequence[Ask]) -> Iterator[tuple[Any]]:
        """The values that fit, each in a tuple, as None is one, too."""
        root, present = path.split(".")[0], self._present(path)
        first: list[Any] = [present, *self._best_points(path)]
        if root not in ("traits", "type", "source") and present is None:
            first = [*first[1:], None]  # rather nothing than something made up
        if path == "type":
            first = [*(one for ask in asks for one in ask.values), present]
        for value in fitting(asks, first):
            if _can_be_sent(root, value, present):
                yield (value,)

    def _present(self, path: str) -> Any:
        """The value of a field in an event that says nothing."""
        return getter(path)(self._bare(), self.state.traits)

    def _bare(self) -> Event:
        at = instant(self.at_ms)
        return Event(
            id=NAME, source=NAME, type=IDENTIFY, occurred_at=at, received_at=at,
            identifiers=self.identifiers, verdict=Verdict("human"),
        )  # fmt: skip

    def _best_points(self, path: str) -> list[Any]:
        """The values of a field that give most points, where it decides them."""
        points = self.rule.document.points
        if isinstance(points, float) or path not in (points.field, points.table):
            return []
        if points.values is not None:
            best = sorted(points.values.items(), key=lambda each: -each[1])
            return [text for text, value in best if value > 0]
        if points.times and 0 < points.max < MAX_POINTS:
            return [whole(points.max / points.times)]
        return []

    def _event(self, asks: _Asks) -> Event:
        points = self.rule.document.points
        paths = dict.fromkeys(asks)
        if not isinstance(points, float):
            paths |= dict.fromkeys(path for path in (points.field, points.table) if path)
        event, who = self._bare(), self.identifiers
        written: dict[str, dict[str, Any]] = {root: {} for root in _WRITTEN}
        for path in paths:
            found = next(self._values(path, asks.get(path, ())), None)
            value: Any = None if found is None else found[0]
            root, *keys = path.split(".")
            if path in ("type", "source"):
                event = msgspec.structs.replace(event, **{path: value})
            elif root == "verdict":
                event = msgspec.structs.replace(event, verdict=Verdict(value))
            elif root == "identifiers":
                who = who if value is not None else _without(who, keys)
            elif value != self._present(path) or type(value) is not type(self._present(path)):
                _write(written[root], keys, value, self.state.traits if root == "traits" else {})
        return msgspec.structs.replace(event, identifiers=who, **written)


def _can_be_sent(root: str, value: Any, present: Any) -> bool:
    """Could this lead send the value? root: of the field's path · present: what it has now."""
    if root == "identifiers":
        return value is None or bool(value == present)
    if root == "verdict":
        return value in ("human", "unknown")
    if root in ("type", "source"):
        return isinstance(value, str) and value not in ("", STAGE_OVERRIDDEN, OPERATOR)
    return True


def _branches(condition: Condition, wanted: bool) -> Iterator[tuple[_Goal, ...]]:
    """The ways of making a condition hold, or not hold. () where nothing is asked of the event."""
    every, some = (condition.all_, condition.any_) if wanted else (condition.any_, condition.all_)
    if every is not None:
        yield tuple((part, wanted) for part in every)
    elif some is not None:
        yield from (((part, wanted),) for part in some)
    elif condition.not_ is not None:
        yield ((condition.not_, not wanted),)
    else:
        yield ()  # it may be so already
        counts, touched = _counted(condition)
        if counts == wanted:
            yield tuple((goal, True) for goal in touched)
        else:
            yield from (((goal, False),) for goal in touched)


def _counted(condition: Condition) -> tuple[bool, list[Condition | Ask]]:
    """What makes an event one of those that a condition over time counts, and whether one more of
    them helps it to hold.
    """
    helps = condition.quiet is None and (
        condition.count is None or condition.count.at_least is not None
    )
    asked = condition.count or condition.since or condition.quiet or condition.seen
    if condition.sequence is not None:
        last = condition.sequence.steps[-1]
        on, when = last.on, last.when
    elif asked is not None:
        on, when = asked.on or ["*"], asked.when
    else:
        return helps, []  # an expression: it can't be looked into
    return helps, [_of_types(on), *([when] if when is not None else [])]


def _of_types(on: Sequence[str]) -> Ask:
    tests = [glob_test(name) for name in on]
    globs = tuple(name for name in on if "*" in name or "?" in name)
    named = [name for name in on if name not in globs]
    named += [name for name in _USUAL_TYPES if any(test(name) for test in tests)]
    return Ask("type", lambda value: any(test(value) for test in tests), tuple(named), globs)


def _turned(ask: Ask, wanted: bool) -> Ask:
    return ask if wanted else Ask(ask.path, lambda value: not ask.test(value))


def _without(who: Identifiers, keys: list[str]) -> Identifiers:
    if keys[0] == "external":
        left = {name: value for name, value in who.external.items() if name not in keys[1:]}
        return msgspec.structs.replace(who, external=left)
    return msgspec.structs.replace(who, **{keys[0]: None})


def _write(into: dict[str, Any], keys: list[str], value: Any, before: Traits) -> None:
    """Set a nested value; what a trait holds beside it stays."""
    *outer, last = keys
    for key in outer:
        known = before.get(key)
        before = known if isinstance(known, dict) else {}
        if not isinstance(into.get(key), dict):
            into[key] = dict(before)
        into = into[key]
    into[last] = value

"""Checks of conditions: fields, expressions, names, and what may be asked where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import re2

from shared.ruleset import expressions
from shared.ruleset.condition import Condition
from shared.ruleset.fields import did_you_mean, field_fault
from shared.ruleset.yaml_tree import Path

MAX_EXPRESSION_MEMORY = 1 << 20

# event: of a rule on events · counted: of what is counted, over the event alone · state: what
# holds between events, too · region: of the consent policy, over the event alone.
Place = Literal["event", "counted", "state", "region"]

_TIMED = ("count", "since", "quiet", "sequence", "seen")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that doesn't fit, by its path in the document."""

    path: Path
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Names:
    """The segments and personas that conditions may ask for."""

    segments: tuple[str, ...] = ()
    personas: tuple[str, ...] = ()


def condition_faults(
    path: Path, condition: Condition, place: Place, names: Names | None
) -> Iterator[Fault]:
    """What is wrong with a condition. names: None where segments and personas can't be used."""
    for below, part in condition.parts:
        yield from condition_faults((*path, *below), part, place, names)
    if condition.field is not None:
        yield from _field_faults(path, condition, place)
    if condition.cel is not None and place == "state":
        yield Fault(
            (*path, "cel"),
            "an expression needs an event",
            "use it in a rule with on:, or in the when: of a count",
        )
    elif condition.cel is not None and (found := expressions.expression_fault(condition.cel)):
        yield Fault((*path, "cel"), *found)
    yield from _name_faults(path, condition, place, names)
    yield from _timed_faults(path, condition, place)


def _field_faults(path: Path, condition: Condition, place: Place) -> Iterator[Fault]:
    assert condition.field is not None
    yield from path_faults((*path, "field"), condition.field)
    if place == "state" and not condition.field.startswith("traits."):
        yield Fault(
            (*path, "field"),
            "what holds between events can only read traits",
            "read traits.NAME, or name the event types under on:",
        )
    for pattern in condition.matches or ():
        wrong = expression_fault(pattern)
        if wrong:
            yield Fault((*path, "matches"), f"not a regular expression: {wrong}", "RE2 syntax")


def _name_faults(
    path: Path, condition: Condition, place: Place, names: Names | None
) -> Iterator[Fault]:
    for kind in ("segment", "persona"):
        name = getattr(condition, kind)
        if name is None:
            continue
        if names is None or place in {"counted", "region"}:
            yield Fault((*path, kind), f"a {kind} can't be used here", "write its condition out")
            continue
        known = list(names.segments if kind == "segment" else names.personas)
        if name not in known:
            remedy = did_you_mean(name, known) or f"{kind}s: {', '.join(known) or 'none'}"
            yield Fault((*path, kind), f"there is no {kind} {name}", remedy)


def _timed_faults(path: Path, condition: Condition, place: Place) -> Iterator[Fault]:
    for kind in _TIMED:
        asked = getattr(condition, kind)
        if asked is None:
            continue
        here = (*path, kind)
        if place == "counted":
            yield Fault(
                here, f"{kind} can't stand within another count", "count by event and traits"
            )
        elif place == "region":
            yield Fault(here, f"{kind} can't tell a region", "ask for fields of event and traits")
        elif kind == "sequence" and place == "state":
            yield Fault(here, "a sequence is complete at an event", "use it in a rule with on:")
        if kind == "sequence":
            for number, step in enumerate(asked.steps):
                if step.when is not None:
                    inner = (*here, "steps", number, "when")
                    yield from condition_faults(inner, step.when, "counted", None)
        elif asked.when is not None:
            yield from condition_faults((*here, "when"), asked.when, "counted", None)


def path_faults(path: Path, name: str) -> Iterator[Fault]:
    """What is wrong with the path of a field."""
    found = field_fault(name)
    if found is not None:
        yield Fault(path, *found)


def trait_faults(path: Path, name: str) -> Iterator[Fault]:
    """The same, where there is no event to read."""
    yield from path_faults(path, name)
    if not name.startswith("traits."):
        yield Fault(path, "there is no event to read", "read traits.NAME")


def expression_fault(pattern: str) -> str:
    """Why RE2 refuses a pattern, "" when it doesn't."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_EXPRESSION_MEMORY
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        return reason.decode() if isinstance(reason, bytes) else str(reason)
    return ""

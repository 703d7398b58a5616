"""Conditions of all kinds, evaluated over everything that the lead ever did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from services.scorer.slow.expressions import is_true
from services.scorer.slow.fading import in_ms
from services.scorer.slow.fields import Plain, field_holds, type_matches

TIMED = ("count", "since", "quiet", "seen", "sequence")


@dataclass
class Moment:
    """An instant of a lead. event: the one that happens, if any · past: (event, the traits after
    it) of each human event so far, `event` included if it is one · named: conditions of segments
    and personas.
    """

    now: int
    event: Plain | None
    traits: Plain
    past: list[tuple[Plain, Plain]]
    named: dict[tuple[str, str], Plain] = field(default_factory=dict)


def holds(condition: Plain, moment: Moment) -> bool:
    """Does a condition hold at a moment?"""
    kind = next(iter(condition))
    asked = condition[kind]
    if kind == "all":
        return all(holds(part, moment) for part in asked)
    if kind == "any":
        return any(holds(part, moment) for part in asked)
    if kind == "not":
        return not holds(asked, moment)
    if kind in ("segment", "persona"):
        return holds(moment.named[kind, asked], moment)
    if kind == "count":
        found = len(_within(asked, moment))
        least, most = asked.get("at_least", 0), asked.get("at_most", found)
        return bool(least <= found <= most)
    if kind == "since":
        return bool(_within(asked, moment))
    if kind == "seen":
        return len(matching(asked, moment)) >= int(asked.get("at_least", 1))
    if kind == "quiet":
        return _quiet(asked, moment)
    if kind == "sequence":
        return _complete(asked, moment)
    if kind == "cel":
        return moment.event is not None and is_true(asked, moment.event, moment.traits)
    return field_holds(condition, moment.event, moment.traits)


def matching(asked: Plain, moment: Moment) -> list[Plain]:
    """The events of the past that match types and condition."""
    return [
        event
        for event, traits in moment.past
        if type_matches(asked.get("on", "*"), event["type"])
        and ("when" not in asked or holds(asked["when"], Moment(0, event, traits, [])))
    ]


def _within(asked: Plain, moment: Moment) -> list[Plain]:
    since = moment.now - in_ms(asked["within"])
    return [event for event in matching(asked, moment) if since < event["ms"] <= moment.now]


def _quiet(asked: Plain, moment: Moment) -> bool:
    if not moment.past:
        return False
    found = matching(asked, moment) or [moment.past[0][0]]
    return bool(moment.now - found[-1]["ms"] >= in_ms(asked["for"]))


def _complete(asked: Plain, moment: Moment) -> bool:
    assert moment.event is not None
    earlier = [one for one in moment.past if one[0] is not moment.event]
    line = [*earlier, (moment.event, moment.traits)]
    steps = asked["steps"]

    def is_step(number: int, place: int) -> bool:
        event, traits = line[place]
        return bool(matching(steps[number], Moment(0, None, {}, [(event, traits)])))

    def backwards(number: int, place: int) -> Iterator[int]:
        """The instants of first steps of chains whose step `number` is at a place."""
        if not is_step(number, place):
            return
        if number == 0:
            yield line[place][0]["ms"]
            return
        for before in range(place):
            yield from backwards(number - 1, before)

    oldest = moment.now - in_ms(asked["within"])
    return any(begun >= oldest for begun in backwards(len(steps) - 1, len(line) - 1))


def asks_time(condition: Plain, named: dict[tuple[str, str], Plain]) -> bool:
    """Does a condition look at more than fields?"""
    kind = next(iter(condition))
    if kind in ("all", "any"):
        return any(asks_time(part, named) for part in condition[kind])
    if kind == "not":
        return asks_time(condition["not"], named)
    if kind in ("segment", "persona"):
        return asks_time(named[kind, condition[kind]], named)
    return kind in TIMED


def durations(value: Any) -> set[int]:
    """Every length of time that is written anywhere in a part of the document, in ms."""
    if isinstance(value, list):
        return {length for part in value for length in durations(part)}
    if not isinstance(value, dict):
        return set()
    found = {in_ms(value[key]) for key in ("within", "for", "quiet")
             if isinstance(value.get(key), str)}  # fmt: skip
    return found | {length for part in value.values() for length in durations(part)}

"""Conditions of all kinds, evaluated over everything that the lead ever did."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
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
        found = sum(1 for _ in _within(asked, moment))
        least, most = asked.get("at_least", 0), asked.get("at_most", found)
        return bool(least <= found <= most)
    if kind == "since":
        return any(_within(asked, moment))
    if kind == "seen":
        least = int(asked.get("at_least", 1))
        return len(list(islice(matching(asked, moment), least))) == least
    if kind == "quiet":
        return _quiet(asked, moment)
    if kind == "sequence":
        return _complete(asked, moment)
    if kind == "cel":
        return moment.event is not None and is_true(asked, moment.event, moment.traits)
    return field_holds(condition, moment.event, moment.traits)


def matching(asked: Plain, moment: Moment, since: float = -math.inf) -> Iterator[Plain]:
    """The events of the past after an instant that match types and condition, newest first."""
    for event, traits in reversed(moment.past):
        if event["ms"] <= since:
            return
        if type_matches(asked.get("on", "*"), event["type"]) and (
            "when" not in asked or holds(asked["when"], Moment(0, event, traits, []))
        ):
            yield event


def _within(asked: Plain, moment: Moment) -> Iterator[Plain]:
    return matching(asked, moment, moment.now - in_ms(asked["within"]))


def _quiet(asked: Plain, moment: Moment) -> bool:
    if not moment.past:
        return False
    newest = next(matching(asked, moment), moment.past[0][0])
    return bool(moment.now - newest["ms"] >= in_ms(asked["for"]))


def _complete(asked: Plain, moment: Moment) -> bool:
    assert moment.event is not None
    oldest = moment.now - in_ms(asked["within"])
    earlier = [one for one in moment.past if one[0]["ms"] >= oldest and one[0] is not moment.event]
    line = [*earlier, (moment.event, moment.traits)]
    steps = asked["steps"]

    @cache
    def ends_chain(number: int, place: int) -> bool:
        """Is the event at a place step `number` of a chain that began with the first step?"""
        found = matching(steps[number], Moment(0, None, {}, [line[place]]))
        return any(found) and (
            number == 0 or any(ends_chain(number - 1, before) for before in range(place))
        )

    return ends_chain(len(steps) - 1, len(line) - 1)


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

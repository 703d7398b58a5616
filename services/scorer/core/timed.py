"""Conditions over time, compiled: counts, recency, silences, sequences, and what they count.

Each distinct thing to be counted is one tally, however many conditions read it. Between events
such a condition can only turn at an instant that its tallies tell beforehand: when the event that
still makes a count leaves the window, or when a silence is long enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from services.scorer.core.conditions import Check, Traits, compile_condition, glob_test
from shared.envelope import Event
from shared.lead_state import Watch
from shared.ruleset.condition import Condition, Sequence, Step

_MOST_TYPES = 4096
_ANY = ("*",)


@dataclass(slots=True)
class Moment:
    """What a condition over time may look at. event: None between events · complete: the places
    of the sequences that the event completes.
    """

    event: Event | None
    traits: Traits
    watch: Watch
    at_ms: int
    complete: tuple[int, ...] = ()


TimedCheck = Callable[[Moment], bool]
# The instant at which an atom turns with no further event, None for never.
Turn = Callable[[Watch], int | None]


@dataclass(slots=True, eq=False)
class Tally:
    """Events that are counted. keep: how many instants · longest: of the windows, in ms."""

    place: int
    on: tuple[str, ...]
    check: Check | None
    keep: int = 1
    longest: int = 0


@dataclass(slots=True, eq=False)
class Chain:
    """A sequence. steps: types and check of each · within: ms."""

    place: int
    steps: tuple[tuple[tuple[str, ...], Check | None], ...]
    within: int


@dataclass(slots=True, eq=False)
class Touched:
    """What an event of one type may touch. steps: (chain, the numbers of its steps)."""

    tallies: tuple[Tally, ...]
    steps: tuple[tuple[Chain, tuple[int, ...]], ...]


@dataclass(slots=True, eq=False)
class Tallies:
    """All that a ruleset counts. Remembers what it found for a type, and nothing else changes."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    chains: dict[str, Chain] = field(default_factory=dict)
    by_type: dict[str, Touched] = field(default_factory=dict)

    def tally(
        self, on: Iterable[str] | None, when: Condition | None, keep: int = 1, window: int = 0
    ) -> Tally:
        """The tally of these events, kept for so many of the newest, and for so long."""
        types = tuple(sorted(set(on))) if on is not None else _ANY
        key = _key(types, when)
        known = self.tallies.get(key)
        if known is None:
            check = None if when is None else compile_condition(when)
            known = self.tallies[key] = Tally(len(self.tallies), types, check)
        known.keep = max(known.keep, keep)
        known.longest = max(known.longest, window)
        return known

    def chain(self, sequence: Sequence) -> Chain:
        key = "|".join(_key(tuple(one.on), one.when) for one in sequence.steps)
        key += f"|{sequence.within}"
        known = self.chains.get(key)
        if known is None:
            steps = tuple(_step(one) for one in sequence.steps)
            known = self.chains[key] = Chain(len(self.chains), steps, sequence.within)
        return known

    def touched_by(self, event_type: str) -> Touched:
        """What an event of a type may touch."""
        found = self.by_type.get(event_type)
        if found is None:
            if len(self.by_type) >= _MOST_TYPES:
                self.by_type.clear()
            found = self.by_type[event_type] = self._find(event_type)
        return found

    def _find(self, event_type: str) -> Touched:
        steps = []
        for chain in self.chains.values():
            numbers = tuple(
                number for number, (on, _) in enumerate(chain.steps) if _matches(on, event_type)
            )
            if numbers:
                steps.append((chain, numbers))
        tallies = (one for one in self.tallies.values() if _matches(one.on, event_type))
        return Touched(tuple(tallies), tuple(steps))


def _step(step: Step) -> tuple[tuple[str, ...], Check | None]:
    return tuple(step.on), None if step.when is None else compile_condition(step.when)


def _key(on: tuple[str, ...], when: Condition | None) -> str:
    asked = "" if when is None else when.model_dump_json(exclude_defaults=True, by_alias=True)
    return f"{' '.join(on)}?{asked}"


def _matches(on: tuple[str, ...], event_type: str) -> bool:
    return any(glob_test(name)(event_type) for name in on)


def is_timed(condition: Condition) -> bool:
    """Does a condition, with segments and personas written out, ask for more than fields?"""
    if any(
        part is not None
        for part in (
            condition.count,
            condition.since,
            condition.quiet,
            condition.sequence,
            condition.seen,
        )
    ):
        return True
    return any(is_timed(part) for _, part in condition.parts)


def written_out(condition: Condition, named: dict[tuple[str, str], Condition]) -> Condition:
    """With each segment and persona replaced by its condition. named: by kind and name."""
    if condition.segment is not None:
        return named["segment", condition.segment]
    if condition.persona is not None:
        return named["persona", condition.persona]
    if condition.all_ is not None:
        return Condition(all=[written_out(part, named) for part in condition.all_])
    if condition.any_ is not None:
        return Condition(any=[written_out(part, named) for part in condition.any_])
    if condition.not_ is not None:
        return Condition.model_validate({"not": written_out(condition.not_, named)})
    return condition


def split(condition: Condition) -> tuple[Condition | None, Condition | None]:
    """(what fields alone decide, the rest): both must hold."""
    if not is_timed(condition):
        return condition, None
    if condition.all_ is None:
        return None, condition
    parts = [split(part) for part in condition.all_]
    return _all_of([plain for plain, _ in parts]), _all_of([timed for _, timed in parts])


def _all_of(parts: list[Condition | None]) -> Condition | None:
    given = [part for part in parts if part is not None]
    if not given:
        return None
    return given[0] if len(given) == 1 else Condition(all=given)


def compile_timed(condition: Condition, tallies: Tallies) -> tuple[TimedCheck, tuple[Turn, ...]]:
    """The condition as one function, and the instants at which it may turn."""
    turns: list[Turn] = []
    return _compiled(condition, tallies, turns), tuple(turns)


def _compiled(condition: Condition, tallies: Tallies, turns: list[Turn]) -> TimedCheck:
    if condition.all_ is not None:
        parts = [_compiled(part, tallies, turns) for part in condition.all_]
        return lambda moment: all(part(moment) for part in parts)
    if condition.any_ is not None:
        parts = [_compiled(part, tallies, turns) for part in condition.any_]
        return lambda moment: any(part(moment) for part in parts)
    if condition.not_ is not None:
        part = _compiled(condition.not_, tallies, turns)
        return lambda moment: not part(moment)
    if (count := condition.count) is not None:
        least = count.at_least if count.at_least is not None else (count.at_most or 0) + 1
        tally = tallies.tally(count.on, count.when, least, count.within)
        check = _counted(tally.place, least, count.within, turns)
        return check if count.at_least is not None else lambda moment: not check(moment)
    if (since := condition.since) is not None:
        tally = tallies.tally(since.on, since.when, 1, since.within)
        return _counted(tally.place, 1, since.within, turns)
    if (quiet := condition.quiet) is not None:
        return _quiet(tallies.tally(quiet.on, quiet.when).place, quiet.for_, turns)
    if (seen := condition.seen) is not None:
        return _seen(tallies.tally(seen.on, seen.when).place, seen.at_least)
    if condition.sequence is not None:
        place = tallies.chain(condition.sequence).place
        return lambda moment: place in moment.complete
    plain = compile_condition(condition)
    return lambda moment: plain(moment.event, moment.traits)  # type: ignore[arg-type]


def _counted(place: int, least: int, window: int, turns: list[Turn]) -> TimedCheck:
    def check(moment: Moment) -> bool:
        kept = moment.watch.tallies.get(place)
        return kept is not None and len(kept) > least and kept[-least] > moment.at_ms - window

    def turn(watch: Watch) -> int | None:
        kept = watch.tallies.get(place)
        return kept[-least] + window if kept is not None and len(kept) > least else None

    turns.append(turn)
    return check


def _quiet(place: int, length: int, turns: list[Turn]) -> TimedCheck:
    def turn(watch: Watch) -> int | None:
        kept = watch.tallies.get(place)
        newest = watch.first_ms if kept is None else kept[-1]
        return newest + length if newest >= 0 else None

    def check(moment: Moment) -> bool:
        due = turn(moment.watch)
        return due is not None and moment.at_ms >= due

    turns.append(turn)
    return check


def _seen(place: int, least: int) -> TimedCheck:
    def check(moment: Moment) -> bool:
        kept = moment.watch.tallies.get(place)
        return kept is not None and kept[0] >= least

    return check

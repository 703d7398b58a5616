"""Why a lead scores as it does, for those who take it over: the rules that are worth most. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.router.messages import ReasonInWords
from services.router.ruleset_words import RulesetWords
from services.router.scrubbing import scrubbed_event
from services.router.wording import day_of, words_for
from shared.decay import Kind, faded
from shared.envelope import Event, milliseconds, rfc3339
from shared.ruleset.wording import in_words

REASONS_MAX = 8

NEVER_FADES: tuple[Kind, int] = ("half_life", 0)

# (rule "model/rule", points granted)
Entries = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Earned:
    """An event with the points it was granted."""

    event: Event
    entries: Entries = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What time gave or took at an instant: after a silence, or as a condition over time turned."""

    at_ms: int
    entries: Entries


@dataclass(slots=True)
class _Tally:
    """One rule. event, at_ms: the newest deed that it gave points for, None where time did."""

    event: Event | None = None
    at_ms: int = 0
    points: float = 0.0
    value: float = 0.0
    times: int = 0


def strongest(
    events: Iterable[Earned], by_time: Iterable[Given], words: RulesetWords, now_ms: int
) -> list[ReasonInWords]:
    """The rules whose points are worth most now, each with the newest deed that earned it."""
    deeds: list[tuple[int, Event | None, Entries]] = [
        (milliseconds(earned.event.occurred_at), earned.event, earned.entries) for earned in events
    ]
    deeds += [(given.at_ms, None, given.entries) for given in by_time]
    deeds.sort(key=lambda deed: -deed[0])  # at the same ms, time comes before events
    tallies: dict[str, _Tally] = {}
    for at_ms, event, entries in deeds:
        for rule, points in entries:
            if not points:  # beyond a limit, or cut to nothing
                continue
            tally = tallies.setdefault(rule, _Tally())
            tally.points += points
            tally.value += faded(points, at_ms, now_ms, *words.fading.get(rule, NEVER_FADES))
            if points > 0:
                tally.times += 1
                if tally.times == 1:
                    tally.event, tally.at_ms = event, at_ms
    weighed = sorted(tallies.items(), key=lambda item: -item[1].value)
    return [
        _in_words(rule, tally, words.says.get(rule))
        for rule, tally in weighed[:REASONS_MAX]
        if tally.value > 0
    ]


def _in_words(rule: str, tally: _Tally, say: str | None) -> ReasonInWords:
    words = f"{_deed(rule, tally.event, say)} on {day_of(tally.at_ms)}"
    if tally.times > 1:
        words += f", the last of {tally.times} times"
    return ReasonInWords(
        words=words,
        rule=rule,
        points=round(tally.points, 6),
        value=round(tally.value, 6),
        times=tally.times,
        last_at=rfc3339(tally.at_ms),
    )


def _deed(rule: str, event: Event | None, say: str | None) -> str:
    """The rule's words; without any those for the event, or the rule's name where time acted."""
    if event is not None:
        return in_words(say, scrubbed_event(event)) if say else words_for(event)
    name = rule.rpartition("/")[2].replace("-", " ").replace("_", " ")
    return in_words(say or name, {})

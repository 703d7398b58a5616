"""Runs the scenarios of a ruleset by the core: pure, no clock, no database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import advance, extend, new_journeys, new_state, position
from services.scorer.scenario_expectations import Difference, Standing, differences
from shared.envelope import Event, Identifiers, Verdict, instant, milliseconds
from shared.facts import StageChange
from shared.ledger import Entry, TimeEntry
from shared.ruleset.document import RulesetDocument
from shared.ruleset.scenarios import FIRST_HOUR, Expectation, Scenario, ScenarioEvent

_MINUTE = 60_000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Earned:
    """One entry of the story. what: the event's type, "time" where time alone granted it."""

    at_ms: int
    what: str
    rule: str
    points: float
    clipped: str


@dataclass(slots=True)
class Result:
    """How one scenario came out. It holds when nothing differs."""

    scenario: Scenario
    differences: list[Difference] = field(default_factory=list)
    earned: list[Earned] = field(default_factory=list)
    changes: list[StageChange] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.differences


def run_scenarios(document: RulesetDocument, only: str = "") -> list[Result]:
    """Run the scenarios of a checked document in its order; `only` those with it in their names."""
    numbers = {name: number for number, name in enumerate(document.rule_names(), 1)}
    ruleset = compile_ruleset(document, numbers, 1)
    return [run_scenario(ruleset, each) for each in document.tests if only in each.name]


def run_scenario(ruleset: Ruleset, scenario: Scenario) -> Result:
    """Play a scenario, and compare at each instant that it expects something of."""
    events = sorted(story_of(scenario), key=position)
    result = Result(scenario)
    state, journeys = new_state(), new_journeys(ruleset, position(events[0])[0])
    known = scenario.lead.known
    done = told = 0
    for at_ms, expected in _in_time(scenario, events):
        reached = sum(position(event)[0] <= at_ms for event in events)
        if reached > done:
            out = extend(ruleset, state, journeys, events[done:reached], known)
            result.changes += out.changes
            result.earned += _by_time(ruleset, out.time_entries)
            for event, entries in zip(events[done:reached], out.entries, strict=True):
                result.earned += _earned(ruleset, position(event)[0], event.type, entries)
            done = reached
        settled = advance(ruleset, state, journeys, at_ms, known)
        result.changes += settled.changes
        result.earned += _by_time(ruleset, settled.time_entries)
        standing = Standing(ruleset, state, journeys, at_ms, result.changes[told:])
        told = len(result.changes)
        result.differences += differences(standing, expected)
    result.earned.sort(key=lambda entry: entry.at_ms)
    return result


def _by_time(ruleset: Ruleset, entries: list[TimeEntry]) -> Iterator[Earned]:
    for entry in entries:
        name = ruleset.by_number[entry.rule].name
        yield Earned(entry.at_ms, "time", name, entry.points, entry.clipped)


def _earned(ruleset: Ruleset, at_ms: int, what: str, entries: list[Entry]) -> Iterator[Earned]:
    for entry in entries:
        name = ruleset.by_number[entry.rule].name
        yield Earned(at_ms, what, name, entry.points, entry.clipped)


def begin_ms(scenario: Scenario) -> int:
    """Midnight (UTC) of the scenario's day 0."""
    return milliseconds(datetime.fromisoformat(scenario.begin).replace(tzinfo=UTC))


def story_of(scenario: Scenario) -> Iterator[Event]:
    """The scenario's events with their instants, in the order they are written in.

    Without an hour an event is at 09:00, or a minute after the one written before it when that is
    on the same day.
    """
    begin = begin_ms(scenario)
    before = -1
    number = 0
    for written in scenario.events:
        day = begin + written.day * _DAY
        if written.hour is not None:
            at_ms = day + round(written.hour * _HOUR)
        elif day <= before < day + _DAY:
            at_ms = before + _MINUTE
        else:
            at_ms = day + FIRST_HOUR * _HOUR
        for turn in range(written.times):
            before = at_ms + turn * (written.every or _MINUTE)
            number += 1
            yield _event(scenario, written, before, number)


def _event(scenario: Scenario, written: ScenarioEvent, at_ms: int, number: int) -> Event:
    lead = scenario.lead
    context = dict(written.context)
    if written.path is not None:
        context["page"] = {**context.get("page", {}), "path": written.path}
    return Event(
        id=f"{number:06}",
        source=written.source,
        type=written.type,
        occurred_at=instant(at_ms),
        received_at=instant(at_ms),
        identifiers=Identifiers(
            email=lead.email,
            user_id=lead.user_id,
            anonymous_id=lead.anonymous_id,
            phone=lead.phone,
        ),
        properties=written.properties,
        traits={**lead.traits, **written.traits} if number == 1 else written.traits,
        context=context,
        consent=written.consent,
        verdict=Verdict("bot" if written.bot else "human"),
    )


def _in_time(scenario: Scenario, events: list[Event]) -> list[tuple[int, Expectation]]:
    """The expectations with their instants, in order of time."""
    instants = [position(event)[0] for event in events]
    begin = begin_ms(scenario)
    found = []
    for expected in scenario.expect:
        if expected.day is None:
            found.append((instants[-1], expected))
            continue
        day = begin + expected.day * _DAY
        if expected.hour is not None:
            at_ms = day + round(expected.hour * _HOUR)
        else:
            of_day = [at for at in instants if day <= at < day + _DAY]
            at_ms = max(of_day, default=day + FIRST_HOUR * _HOUR)
        found.append((at_ms, expected))
    return sorted(found, key=lambda each: each[0])

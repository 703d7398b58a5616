"""Moves between stages: by events, by time, and when a history has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.scorer.core.by_time import advance_scores, next_flip_ms
from services.scorer.core.change import move
from services.scorer.core.compiled import Ruleset
from services.scorer.core.granting import any_points
from services.scorer.core.ladder import reaches, stayed_until
from services.scorer.core.sides import (
    HELD,
    UNLOCKED,
    brings_aside,
    is_settled_by_points,
    next_change_ms,
    next_turn_ms,
    place_at,
)
from services.scorer.core.timed import Moment
from services.scorer.core.watching import NOTHING_WATCHED
from shared.envelope import Event, rfc3339
from shared.facts import Cause, Reason, StageChange
from shared.lead_state import JourneyState, ScoreState
from shared.ledger import Entry, TimeEntry

MAIN = "main"
# A lead can't move more often than this between two events.
_MOST_MOVES = 1000


@dataclass(slots=True)
class Settled:
    """Journeys, changed in place, the changes made, and the points that time brought."""

    journeys: list[JourneyState]
    changes: list[StageChange]
    time_entries: list[TimeEntry] = field(default_factory=list)


def new_journeys(ruleset: Ruleset, at_ms: int) -> list[JourneyState]:
    """Every journey that begins with the lead, at its first stage. at_ms: when the lead came, not
    after its first event.
    """
    return [
        JourneyState(ladder.name, ladder.rungs[0].name, at_ms, at_ms, handed_off=[])
        for ladder in ruleset.ladders.values()
        if ladder.begins is None
    ]


def begin_journeys(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: list[JourneyState],
    at_ms: int,
    event: Event | None = None,
) -> bool:
    """Begin the journeys that the lead isn't on and whose condition holds now, in place. Are there
    any?
    """
    count = len(journeys)
    there = {journey.name for journey in journeys}
    watch = state.watch if state.watch is not None else NOTHING_WATCHED
    moment = Moment(event, state.traits, watch, at_ms)
    for ladder in ruleset.ladders.values():
        if ladder.name not in there and (ladder.begins is None or ladder.begins(moment)):
            first = ladder.rungs[0].name
            journeys.append(JourneyState(ladder.name, first, at_ms, at_ms, handed_off=[]))
    return len(journeys) > count


def step(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: list[JourneyState],
    event: Event,
    at_ms: int,
    entries: list[Entry],
    known: bool,
    changes: list[StageChange],
) -> None:
    """Read every ladder at an event, after its points."""
    for journey in journeys:
        ladder = ruleset.ladders.get(journey.name)
        if ladder is None:
            continue
        to = None
        by_points = is_settled_by_points(ladder, journey)
        let_go(journey, entries)
        if (
            not by_points
            or journey.since_ms == at_ms  # one that begins here may begin higher up
            or (ladder.sides and brings_aside(ladder, state, journey.stage, event, at_ms))
        ):
            to = place_at(ladder, state, journey, at_ms, event)
        else:
            for entry in entries:
                if not entry.points:
                    continue
                gained = ruleset.by_number[entry.rule].model
                if entry.points < 0 or reaches(ladder, state.models, journey, gained, at_ms):
                    to = place_at(ladder, state, journey, at_ms)
                    break
        if to is not None:
            journey.locked_ms = UNLOCKED
            reasons = _reasons(ruleset, event, at_ms, entries)
            changes.append(
                move(ladder, state, journeys, journey, to, at_ms, "event", known, True, reasons)
            )
        journey.ladder_at_ms = at_ms


def let_go(journey: JourneyState, entries: Sequence[Entry | TimeEntry]) -> None:
    """Points end the stand of a stage that was set by hand without a lock."""
    if journey.locked_ms == HELD and any_points(entries):
        journey.locked_ms = UNLOCKED


def _reasons(ruleset: Ruleset, event: Event, at_ms: int, entries: list[Entry]) -> list[Reason]:
    return [
        Reason(
            event_id=event.id,
            source=event.source,
            type=event.type,
            rule=ruleset.by_number[entry.rule].name,
            points=entry.points,
            occurred_at=rfc3339(at_ms),
        )
        for entry in entries
        if entry.points
    ]


def flip_by_time(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: list[JourneyState],
    until_ms: int,
    known: bool,
    changes: list[StageChange],
    time_entries: list[TimeEntry],
    *,
    behind: bool = False,
) -> bool:
    """Make what time gives and takes up to until_ms, and read the ladders at each such instant;
    those that were read later already are left alone. Returns True when points came or went
    behind such a reading, or when that was so before (`behind`).
    """
    while (due := next_flip_ms(state)) is not None and due <= until_ms:
        late = behind or any(due < journey.ladder_at_ms for journey in journeys)
        if not late:
            move_by_time(ruleset, state, journeys, due - 1, known, changes)
        entries = advance_scores(ruleset, state, due)
        time_entries += entries
        if not late:
            for journey in journeys:
                let_go(journey, entries)
            _read_ladders(ruleset, state, journeys, due, known, changes)
        behind = behind or (late and any(entry.points for entry in entries))
    return behind


def _read_ladders(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: list[JourneyState],
    at_ms: int,
    known: bool,
    changes: list[StageChange],
) -> None:
    for journey in journeys:
        ladder = ruleset.ladders.get(journey.name)
        if ladder is None:
            continue
        to = place_at(ladder, state, journey, at_ms)
        if to is not None:
            changes.append(
                move(ladder, state, journeys, journey, to, at_ms, "time", known, True, [])
            )
        journey.ladder_at_ms = at_ms


def move_by_time(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: list[JourneyState],
    until_ms: int,
    known: bool,
    changes: list[StageChange],
) -> None:
    """Make the moves that time brings up to and at until_ms, those of all journeys in order."""
    dues: dict[int, int] = {}
    for number, journey in enumerate(journeys):
        due = _due_within(ruleset, state, journey, until_ms)
        if due is not None:
            dues[number] = due
    for _ in range(_MOST_MOVES):
        if not dues:
            return
        number = min(dues, key=lambda one: (dues[one], one))
        journey, at_ms = journeys[number], dues.pop(number)
        ladder = ruleset.ladders[journey.name]
        to = place_at(ladder, state, journey, at_ms)
        assert to is not None
        changes.append(move(ladder, state, journeys, journey, to, at_ms, "time", known, True, []))
        journey.ladder_at_ms = at_ms
        due = _due_within(ruleset, state, journey, until_ms)
        if due is not None:
            dues[number] = due


def _due_within(
    ruleset: Ruleset, state: ScoreState, journey: JourneyState, until_ms: int
) -> int | None:
    """When time moves a journey next, None if not up to until_ms."""
    ladder = ruleset.ladders.get(journey.name)
    if ladder is None:
        return None
    # Before a person's first event conditions haven't been read at all.
    if is_settled_by_points(ladder, journey) and not (ladder.sides and state.watch is None):
        turn = next_turn_ms(ladder, state, journey.ladder_at_ms) if ladder.sides else None
        if (turn is None or turn > until_ms) and stayed_until(
            ladder, state.models, journey, until_ms
        ):
            return None
    due = next_change_ms(ladder, state, journey, journey.ladder_at_ms)
    return due if due is not None and due <= until_ms else None


def settle(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: list[JourneyState],
    at_ms: int,
    cause: Cause,
    known: bool,
    hand_off: bool = True,
) -> Settled:
    """Read every ladder once, at at_ms, from the stage last published; journeys change in place.

    For a history that changed (late event, merge, new ruleset). at_ms: not before the newest event
    nor any ladder_at_ms. hand_off=False: hand-offs are marked as withheld.
    """
    time_entries = advance_scores(ruleset, state, at_ms)
    begin_journeys(ruleset, state, journeys, at_ms)
    changes: list[StageChange] = []
    for journey in journeys:
        ladder = ruleset.ladders.get(journey.name)
        if ladder is None:
            continue
        to = place_at(ladder, state, journey, at_ms)
        if to is not None:
            changes.append(
                move(ladder, state, journeys, journey, to, at_ms, cause, known, hand_off, [])
            )
            journey.ladder_at_ms = at_ms
            continue
        if state.last is not None:
            journey.ladder_at_ms = max(journey.ladder_at_ms, state.last[0])
        due = next_change_ms(ladder, state, journey, journey.ladder_at_ms)
        if due is not None and due <= at_ms:
            # A dip and a rise that lie behind us: what was missed isn't published now.
            journey.ladder_at_ms = at_ms
    return Settled(journeys, changes, time_entries)


def advance(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: list[JourneyState],
    until_ms: int,
    known: bool,
) -> Settled:
    """Make the moves that time brings up to and at until_ms, each at its own instant.

    Journeys change in place; ladder_at_ms only where something moved.
    """
    out = Settled(journeys, [])
    flip_by_time(ruleset, state, journeys, until_ms, known, out.changes, out.time_entries)
    move_by_time(ruleset, state, journeys, until_ms, known, out.changes)
    return out

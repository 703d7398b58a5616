"""Moves between stages: by events, by time, by hand, and when a history has changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.scorer.core.by_time import advance_scores, next_flip_ms
from services.scorer.core.compile import Ruleset
from services.scorer.core.ladder import Ladder, can_rise, reaches, stayed_until, value_of
from services.scorer.core.sides import HELD, LOCKED_FOR_GOOD, UNLOCKED, next_change_ms, place_at
from services.scorer.core.timed import Moment
from services.scorer.core.watching import NOTHING_WATCHED
from shared.envelope import Event, milliseconds, rfc3339
from shared.facts import Cause, Handoff, Reason, StageChange
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


@dataclass(slots=True, frozen=True)
class Release:
    """A sales hand-off that waited, by the change it came from."""

    journey: str
    stage: str
    seq: int


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
) -> None:
    """Begin the journeys that the lead isn't on and whose condition holds now, in place."""
    there = {journey.name for journey in journeys}
    watch = state.watch if state.watch is not None else NOTHING_WATCHED
    moment = Moment(event, state.traits, watch, at_ms)
    for ladder in ruleset.ladders.values():
        if ladder.name not in there and (ladder.begins is None or ladder.begins(moment)):
            first = ladder.rungs[0].name
            journeys.append(JourneyState(ladder.name, first, at_ms, at_ms, handed_off=[]))


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
        by_hand = journey.locked_ms != UNLOCKED
        if by_hand:
            _let_go(journey, entries)
        if by_hand or ladder.rich or journey.since_ms == at_ms:
            # A journey that begins at this event may begin higher up, by earlier points.
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
                _move(ladder, state, journeys, journey, to, at_ms, "event", known, True, reasons)
            )
        journey.ladder_at_ms = at_ms


def _let_go(journey: JourneyState, entries: Sequence[Entry | TimeEntry]) -> None:
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


def set_by_hand(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: list[JourneyState],
    event: Event,
    at_ms: int,
    known: bool,
    changes: list[StageChange],
) -> None:
    """Do what a person asked for: move a journey to a stage, and lock it there if wanted (else it
    stands there until points come or go), or, with no stage, leave it to the ladder again. What
    can't be done any more is left alone. Where time has moved the lead since, it happens then:
    what was published stays before it.
    """
    asked = event.properties
    at_ms = max([at_ms, *(journey.ladder_at_ms for journey in journeys)])
    name = asked.get("journey", MAIN)
    journey = next((one for one in journeys if one.name == name), None)
    ladder = ruleset.ladders.get(name) if isinstance(name, str) else None
    if journey is None or ladder is None:
        return
    stage = asked.get("stage")
    if stage is None:
        journey.locked_ms = UNLOCKED
        to = place_at(ladder, state, journey, at_ms)
    else:
        to = ladder.place.get(stage) if isinstance(stage, str) else None
        if to is None:
            return
        journey.locked_ms = HELD
        if asked.get("lock") is True:
            journey.locked_ms = _lock_ends(asked.get("until"), at_ms)
    journey.ladder_at_ms = at_ms
    if to is None or to == ladder.place.get(journey.stage):
        return
    actor = asked.get("actor")
    by_whom = actor[:200] if isinstance(actor, str) else ""
    change = _move(ladder, state, journeys, journey, to, at_ms, "manual", known, True, [], by_whom)
    changes.append(change)


def _lock_ends(until: object, at_ms: int) -> int:
    if not isinstance(until, str):
        return LOCKED_FOR_GOOD
    try:
        return max(milliseconds(datetime.fromisoformat(until)), at_ms + 1)
    except (ValueError, TypeError, OverflowError):
        return LOCKED_FOR_GOOD


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
                _let_go(journey, entries)
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
                _move(ladder, state, journeys, journey, to, at_ms, "time", known, True, [])
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
    """Make the moves that time brings up to and at until_ms."""
    for journey in journeys:
        ladder = ruleset.ladders.get(journey.name)
        if ladder is None:
            continue
        plain = not ladder.rich and journey.locked_ms == UNLOCKED
        if plain and stayed_until(ladder, state.models, journey, until_ms):
            continue
        for _ in range(_MOST_MOVES):
            due = next_change_ms(ladder, state, journey, journey.ladder_at_ms)
            if due is None or due > until_ms:
                break
            to = place_at(ladder, state, journey, due)
            assert to is not None
            changes.append(
                _move(ladder, state, journeys, journey, to, due, "time", known, True, [])
            )
            journey.ladder_at_ms = due


def last_seq(journeys: Sequence[JourneyState]) -> int:
    """The number of the lead's newest change: all its journeys are counted together."""
    return max(journey.seq for journey in journeys)


def _move(
    ladder: Ladder,
    state: ScoreState,
    journeys: list[JourneyState],
    journey: JourneyState,
    to: int,
    at_ms: int,
    cause: Cause,
    known: bool,
    hand_off: bool,
    reasons: list[Reason],
    actor: str = "",
) -> StageChange:
    """Move the journey, in place, and say so."""
    here = ladder.place.get(journey.stage, -1)
    rung = ladder.stage_at(to)
    count = len(ladder.rungs)
    came_back = to < count <= here
    if came_back:
        _come_back(journey)
        here = -1  # whatever the stage, it is entered from below
    elif to >= count:
        _set_aside(journey)
    handoff: Handoff | None = None
    waiting = False
    if rung.handoff == "content":
        handoff = "content"
    elif rung.handoff == "sales" and to > here and rung.name not in journey.handed_off:
        handoff = "sales"
        waiting = hand_off and not known
    journey.seq = last_seq(journeys) + 1
    if to < here and journey.waiting_seq:
        # Nobody was told yet, and it no longer holds: it may be handed over when it rises again.
        journey.waiting_seq = 0
        journey.handed_off = [
            name for name in journey.handed_off if ladder.place.get(name, 0) <= to
        ]
    if handoff == "sales":
        journey.handed_off = [*journey.handed_off, rung.name]
        if waiting:
            journey.waiting_seq = journey.seq
    if to == 0 and here != 0 and not came_back:
        journey.episode += 1
        journey.handed_off = []
    change = StageChange(
        journey=ladder.name,
        from_stage=journey.stage,
        to_stage=rung.name,
        at_ms=at_ms,
        seq=journey.seq,
        episode=journey.episode,
        cause=cause,
        reasons=reasons,
        scores={
            name: round(value_of(state.models, name, at_ms, ladder.scores), 6)
            for name in ladder.models
        },
        handoff=handoff,
        waiting=waiting,
        withheld=handoff is not None and not hand_off,
        actor=actor,
    )
    journey.stage = rung.name
    journey.since_ms = at_ms
    return change


def _come_back(journey: JourneyState) -> None:
    """To the ladder: a new episode, in which the lead may be handed over again."""
    journey.episode += 1
    journey.handed_off = []
    journey.waiting_seq = 0


def _set_aside(journey: JourneyState) -> None:
    """From the ladder: what still waited for a name isn't handed over any more."""
    if journey.waiting_seq:
        journey.handed_off = journey.handed_off[:-1]
        journey.waiting_seq = 0


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
                _move(ladder, state, journeys, journey, to, at_ms, cause, known, hand_off, [])
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


def next_due_ms(
    ruleset: Ruleset, state: ScoreState, journeys: Sequence[JourneyState]
) -> int | None:
    """The first instant (ms) at which `advance` would move something, None if never."""
    dues = [
        next_change_ms(ladder, state, journey, journey.ladder_at_ms)
        for journey in journeys
        if (ladder := ruleset.ladders.get(journey.name)) is not None
    ]
    return min((due for due in [*dues, next_flip_ms(state)] if due is not None), default=None)


def due_moved_later(
    ruleset: Ruleset, state: ScoreState, entries: Sequence[Sequence[Entry]]
) -> bool:
    """Can these entries, which moved no stage, only have put off the next due instant?

    So it is when all of them are gains and no watched score rises by itself: each score is then
    higher at every later instant than it would have been.
    """
    if any(any_loss(of_event) for of_event in entries if of_event):
        return False
    return not any_can_rise(ruleset, state)


def any_can_rise(ruleset: Ruleset, state: ScoreState) -> bool:
    """Does any ladder watch a score that rises by itself, or more than scores?"""
    return ruleset.rich or any(
        can_rise(ladder, state.models) for ladder in ruleset.ladders.values()
    )


def any_held(journeys: Sequence[JourneyState]) -> bool:
    """Does any stage stand by hand until the next points?"""
    return any(journey.locked_ms == HELD for journey in journeys)


def any_points(entries: Sequence[Entry | TimeEntry]) -> bool:
    return any(entry.points for entry in entries)


def any_loss(entries: Sequence[Entry]) -> bool:
    return any(entry.points < 0.0 for entry in entries)


def became_known(ruleset: Ruleset, journeys: list[JourneyState]) -> list[Release]:
    """Release the sales hand-offs that waited for the lead to become known; journeys change in
    place. One falls away before when the lead leaves its stage downwards.
    """
    released = []
    for journey in journeys:
        ladder = ruleset.ladders.get(journey.name)
        if journey.waiting_seq and ladder is not None:
            here = ladder.place.get(journey.stage, 0)
            reached = [name for name in journey.handed_off if ladder.place.get(name, 0) <= here]
            stage = max(reached, key=lambda name: ladder.place.get(name, 0), default=journey.stage)
            released.append(Release(journey.name, stage, journey.waiting_seq))
        journey.waiting_seq = 0
    return released

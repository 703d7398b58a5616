"""Scores and stages of one lead, folded from its events in order of occurrence.

No clock: instants come as int milliseconds. `extend` and `fold_scores` share one step, so adding
events in batches and folding a whole history give the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from services.scorer.core.by_time import advance_scores, next_flip_ms
from services.scorer.core.compile import Ruleset
from services.scorer.core.crossing import next_move_ms
from services.scorer.core.granting import grant
from services.scorer.core.ladder import Ladder, can_rise, decide, reaches, stayed_until, value_of
from services.scorer.core.matching import matched_rules, refused_entries
from services.scorer.core.watching import schedule
from shared.envelope import EPOCH, Event, rfc3339
from shared.facts import Cause, Handoff, Reason, StageChange
from shared.lead_state import (
    JourneyState,
    Position,
    ScoreState,
    decode_scores,
    encode_scores,
)
from shared.ledger import Entry, TimeEntry

_MILLISECOND = timedelta(milliseconds=1)
# A lead can't move more often than this between two events.
_MOST_MOVES = 1000


@dataclass(slots=True)
class Extended:
    """What `extend` made. entries: one list per event · time_entries: what time brought before
    and between them · needs_settle: an event earned points before `ladder_at_ms` of a journey, so
    the ladders were left alone from there: call settle.
    """

    state: ScoreState
    journeys: list[JourneyState]
    entries: list[list[Entry]]
    changes: list[StageChange] = field(default_factory=list)
    needs_settle: bool = False
    time_entries: list[TimeEntry] = field(default_factory=list)


@dataclass(slots=True)
class Folded:
    """What `fold_scores` made. checkpoints: (events, the state after so many), as copies ·
    time_entries: what time brought before and between the events.
    """

    state: ScoreState
    entries: list[list[Entry]]
    checkpoints: list[tuple[int, ScoreState]]
    time_entries: list[TimeEntry] = field(default_factory=list)


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


def position(event: Event) -> Position:
    """The event's place among the events of its lead."""
    return (event.occurred_at - EPOCH) // _MILLISECOND, event.source, event.id


def new_state() -> ScoreState:
    """The scores of a lead without events."""
    return ScoreState(traits={}, models={})


def new_journeys(ruleset: Ruleset, at_ms: int) -> list[JourneyState]:
    """Every journey at its first stage. at_ms: when the lead came, not after its first event."""
    return [
        JourneyState(ladder.name, ladder.rungs[0].name, at_ms, at_ms, handed_off=[])
        for ladder in ruleset.ladders.values()
    ]


def extend(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: list[JourneyState],
    events: Sequence[Event],
    known: bool,
    positions: Sequence[Position] | None = None,
    quiet_until_ms: int = 0,
) -> Extended:
    """Add events, all newer than state.last and sorted by position; step the ladder by each.

    Changes state and journeys in place. Moves that time brings before an event are made first,
    at their own instants. When an event that earns points is older than a journey's ladder_at_ms,
    scores go on, but from there no ladder is touched and needs_settle is set.

    What the caller may know: positions, those of the events · quiet_until_ms, a lower bound of
    the instant at which time moves something next; until then it isn't looked for.
    """
    out = Extended(state, journeys, [])
    if quiet_until_ms and any_can_rise(ruleset, state):
        quiet_until_ms = 0  # gains may bring a rise by time nearer
    for number, event in enumerate(events):
        place = position(event) if positions is None else positions[number]
        at_ms = place[0]
        watch = state.watch
        if watch is not None and 0 <= watch.next_ms <= at_ms:
            _flip_by_time(ruleset, state, journeys, at_ms, known, out)
            quiet_until_ms = 0
        entries: list[Entry] = []
        if event.verdict.judgement == "bot":
            entries = refused_entries(ruleset, state, event, at_ms)
        elif matched := matched_rules(ruleset, state, event, at_ms):
            behind = out.needs_settle
            for journey in journeys:
                behind = behind or at_ms < journey.ladder_at_ms
            if not behind and at_ms >= quiet_until_ms:
                _move_by_time(ruleset, state, journeys, at_ms, known, out.changes)
            entries = grant(state, event, at_ms, matched)
            if behind:
                out.needs_settle = out.needs_settle or _any_points(entries)
            elif entries and (entries[0].points or _any_points(entries)):
                moves = len(out.changes)
                _step(ruleset, state, journeys, event, at_ms, entries, known, out.changes)
                if quiet_until_ms and (len(out.changes) > moves or _any_loss(entries)):
                    quiet_until_ms = 0
        out.entries.append(entries)
        state.last = place
        state.events += 1
        if state.watch is not None:
            schedule(ruleset, state)
    return out


def _flip_by_time(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: list[JourneyState],
    until_ms: int,
    known: bool,
    out: Extended | Settled,
) -> None:
    """Make what time gives and takes up to until_ms, and read the ladders at each such instant;
    those that were read later already are left alone.
    """
    while (due := next_flip_ms(state)) is not None and due <= until_ms:
        behind = isinstance(out, Extended) and out.needs_settle
        behind = behind or any(due < journey.ladder_at_ms for journey in journeys)
        if not behind:
            _move_by_time(ruleset, state, journeys, due - 1, known, out.changes)
        entries = advance_scores(ruleset, state, due)
        out.time_entries += entries
        if not behind:
            _read_ladders(ruleset, state, journeys, due, known, out.changes)
        elif isinstance(out, Extended) and any(entry.points for entry in entries):
            out.needs_settle = True


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
        to = decide(ladder, state.models, journey, at_ms)
        if to is not None:
            changes.append(_move(ladder, state, journey, to, at_ms, "time", known, True, []))
        journey.ladder_at_ms = at_ms


def fold_scores(
    ruleset: Ruleset, state: ScoreState, events: Sequence[Event], every: int = 64
) -> Folded:
    """Fold events, sorted by position, onto a state (changed in place), and no ladder."""
    out = Folded(state, [], [])
    for event in events:
        place = position(event)
        at_ms = place[0]
        watch = state.watch
        if watch is not None and 0 <= watch.next_ms <= at_ms:
            out.time_entries += advance_scores(ruleset, state, at_ms)
        if event.verdict.judgement == "bot":
            out.entries.append(refused_entries(ruleset, state, event, at_ms))
        else:
            matched = matched_rules(ruleset, state, event, at_ms)
            out.entries.append(grant(state, event, at_ms, matched) if matched else [])
        state.last = place
        state.events += 1
        if state.watch is not None:
            schedule(ruleset, state)
        if state.events % every == 0:
            out.checkpoints.append((state.events, copied(state)))
    return out


def copied(state: ScoreState) -> ScoreState:
    """A deep copy."""
    return decode_scores(encode_scores(state))


def _step(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: list[JourneyState],
    event: Event,
    at_ms: int,
    entries: list[Entry],
    known: bool,
    changes: list[StageChange],
) -> None:
    for journey in journeys:
        ladder = ruleset.ladders.get(journey.name)
        if ladder is None:
            continue
        to = None
        for entry in entries:
            if not entry.points:
                continue
            gained = ruleset.by_number[entry.rule].model
            if entry.points < 0 or reaches(ladder, state.models, journey, gained, at_ms):
                to = decide(ladder, state.models, journey, at_ms)
                break
        if to is not None:
            reasons = [
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
            changes.append(_move(ladder, state, journey, to, at_ms, "event", known, True, reasons))
        journey.ladder_at_ms = at_ms


def _move_by_time(
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
        if ladder is None or stayed_until(ladder, state.models, journey, until_ms):
            continue
        for _ in range(_MOST_MOVES):
            due = next_move_ms(ladder, state.models, journey, journey.ladder_at_ms)
            if due is None or due > until_ms:
                break
            to = decide(ladder, state.models, journey, due)
            assert to is not None
            changes.append(_move(ladder, state, journey, to, due, "time", known, True, []))
            journey.ladder_at_ms = due


def _move(
    ladder: Ladder,
    state: ScoreState,
    journey: JourneyState,
    to: int,
    at_ms: int,
    cause: Cause,
    known: bool,
    hand_off: bool,
    reasons: list[Reason],
) -> StageChange:
    """Move the journey, in place, and say so."""
    here = ladder.place.get(journey.stage, -1)
    rung = ladder.rungs[to]
    handoff: Handoff | None = None
    waiting = False
    if rung.handoff == "content":
        handoff = "content"
    elif rung.handoff == "sales" and to > here and rung.name not in journey.handed_off:
        handoff = "sales"
        waiting = hand_off and not known
    journey.seq += 1
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
    if to == 0 and here != 0:
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
    )
    journey.stage = rung.name
    journey.since_ms = at_ms
    return change


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
    changes: list[StageChange] = []
    for journey in journeys:
        ladder = ruleset.ladders.get(journey.name)
        if ladder is None:
            continue
        to = decide(ladder, state.models, journey, at_ms)
        if to is not None:
            changes.append(_move(ladder, state, journey, to, at_ms, cause, known, hand_off, []))
            journey.ladder_at_ms = at_ms
            continue
        if state.last is not None:
            journey.ladder_at_ms = max(journey.ladder_at_ms, state.last[0])
        due = next_move_ms(ladder, state.models, journey, journey.ladder_at_ms)
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
    _flip_by_time(ruleset, state, journeys, until_ms, known, out)
    _move_by_time(ruleset, state, journeys, until_ms, known, out.changes)
    return out


def next_due_ms(
    ruleset: Ruleset, state: ScoreState, journeys: Sequence[JourneyState]
) -> int | None:
    """The first instant (ms) at which `advance` would move something, None if never."""
    dues = [
        next_move_ms(ladder, state.models, journey, journey.ladder_at_ms)
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
    if any(_any_loss(of_event) for of_event in entries if of_event):
        return False
    return not any_can_rise(ruleset, state)


def any_can_rise(ruleset: Ruleset, state: ScoreState) -> bool:
    """Does any ladder watch a score that rises by itself?"""
    return any(can_rise(ladder, state.models) for ladder in ruleset.ladders.values())


def _any_points(entries: Sequence[Entry]) -> bool:
    return any(entry.points for entry in entries)


def _any_loss(entries: Sequence[Entry]) -> bool:
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

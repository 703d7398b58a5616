"""Scores and stages of one lead, folded from its events in order of occurrence.

No clock: instants come as int milliseconds. `extend` and `fold_scores` share one step, so adding
events in batches and folding a whole history give the same bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from services.scorer.core.by_hand import set_by_hand
from services.scorer.core.by_time import advance_scores
from services.scorer.core.change import Release, became_known
from services.scorer.core.compiled import Ruleset
from services.scorer.core.due import (
    any_by_hand,
    any_can_rise,
    any_held,
    bound_after,
    lower_bound,
    next_due_ms,
    soonest_turn_ms,
)
from services.scorer.core.granting import any_loss, any_points, grant
from services.scorer.core.machines import KINDS, judged, mail_of, remember
from services.scorer.core.matching import earned, matched_rules, refused_entries
from services.scorer.core.moves import (
    Settled,
    advance,
    begin_journeys,
    flip_by_time,
    move_by_time,
    new_journeys,
    settle,
    step,
)
from services.scorer.core.signals import CONFIRMATION, KEY, is_confirmation
from services.scorer.core.watching import schedule
from shared.consent import MEANINGS
from shared.envelope import EPOCH, Event
from shared.event_types import EVENTS_JUDGED, OPERATOR, STAGE_OVERRIDDEN
from shared.facts import StageChange
from shared.lead_state import (
    JourneyState,
    Position,
    ScoreState,
    decode_scores,
    encode_scores,
)
from shared.ledger import Entry, TimeEntry

# What is done with a lead, in one place: moves.py has the part that only concerns stages.
__all__ = [
    "Extended",
    "Folded",
    "Release",
    "Settled",
    "advance",
    "any_by_hand",
    "became_known",
    "bound_after",
    "copied",
    "extend",
    "fold_scores",
    "lower_bound",
    "new_journeys",
    "new_state",
    "next_due_ms",
    "position",
    "settle",
]

_MILLISECOND = timedelta(milliseconds=1)
_BY_HAND = frozenset({STAGE_OVERRIDDEN, EVENTS_JUDGED})


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


def position(event: Event) -> Position:
    """The event's place among the events of its lead."""
    return (event.occurred_at - EPOCH) // _MILLISECOND, event.source, event.id


def new_state() -> ScoreState:
    """The scores of a lead without events."""
    return ScoreState(traits={}, models={})


def extend(  # noqa: C901 - a call a branch would cost a tenth of the whole
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
    rich, flips, policy = ruleset.rich, ruleset.flips, ruleset.consent
    signals = ruleset.signals
    if quiet_until_ms and (any_held(journeys) or any_can_rise(ruleset, state)):
        quiet_until_ms = 0  # gains may bring a move by time nearer
    for number, event in enumerate(events):
        place = position(event) if positions is None else positions[number]
        at_ms = place[0]
        watch = state.watch
        if watch is not None and 0 <= watch.next_ms <= at_ms:
            out.needs_settle = flip_by_time(
                ruleset, state, journeys, at_ms, known, out.changes, out.time_entries,
                behind=out.needs_settle,
            )  # fmt: skip
            quiet_until_ms = 0
        if (
            (event.consent or policy is not None or event.type in MEANINGS)
            and at_ms >= quiet_until_ms
            and not (out.needs_settle or any(at_ms < one.ladder_at_ms for one in journeys))
        ):  # hand-offs that time made before are a matter of what was allowed then
            move_by_time(ruleset, state, journeys, at_ms, known, out.changes)
        entries: list[Entry] = []
        if event.type in KINDS and (mail := mail_of(event)) is not None:
            remember(state, mail)
        if event.verdict.judgement == "bot":
            entries = refused_entries(ruleset, state, event, at_ms)
        elif (event.type in signals or KEY in event.properties) and is_confirmation(
            signals, state, event, at_ms
        ):
            entries = refused_entries(ruleset, state, event, at_ms, CONFIRMATION)
        elif event.type == EVENTS_JUDGED and event.source == OPERATOR:
            pass
        elif event.type == STAGE_OVERRIDDEN and event.source == OPERATOR:
            if at_ms >= quiet_until_ms:
                move_by_time(ruleset, state, journeys, at_ms, known, out.changes)
            set_by_hand(ruleset, state, journeys, event, at_ms, known, out.changes)
            quiet_until_ms = 0
        elif rich or (matched := matched_rules(ruleset, state, event, at_ms)):
            behind = out.needs_settle
            for journey in journeys:
                behind = behind or at_ms < journey.ladder_at_ms
            if not behind and at_ms >= quiet_until_ms:
                move_by_time(ruleset, state, journeys, at_ms, known, out.changes)
            if rich:  # conditions of stages see the time before without this event
                matched = matched_rules(ruleset, state, event, at_ms)
                if len(journeys) < len(ruleset.ladders) and begin_journeys(
                    ruleset, state, journeys, at_ms, event
                ):
                    quiet_until_ms = 0
            if state.consent or policy is not None:
                entries = earned(ruleset, state, event, at_ms, matched)
            else:
                entries = grant(state, event, at_ms, matched)
            if behind:
                out.needs_settle = out.needs_settle or rich or any_points(entries)
            elif rich or (entries and (entries[0].points or any_points(entries))):
                moves = len(out.changes)
                step(ruleset, state, journeys, event, at_ms, entries, known, out.changes)
                if quiet_until_ms and (len(out.changes) > moves or any_loss(entries)):
                    quiet_until_ms = 0
                if rich and quiet_until_ms and number + 1 < len(events):
                    turn = soonest_turn_ms(ruleset, state, at_ms)
                    quiet_until_ms = quiet_until_ms if turn is None else min(quiet_until_ms, turn)
        out.entries.append(entries)
        state.last = place
        state.events += 1
        if flips and state.watch is not None:
            schedule(ruleset, state)
    return out


def fold_scores(
    ruleset: Ruleset, state: ScoreState, events: Sequence[Event], every: int = 64
) -> Folded:
    """Fold events, sorted by position, onto a state (changed in place), and no ladder. Those that
    others show to be a machine's earn nothing, and their entries say why.
    """
    out = Folded(state, [], [])
    signals = ruleset.signals
    for event in judged(ruleset.machines, state, events):
        place = position(event)
        at_ms = place[0]
        watch = state.watch
        if watch is not None and 0 <= watch.next_ms <= at_ms:
            out.time_entries += advance_scores(ruleset, state, at_ms)
        if event.type in KINDS and (mail := mail_of(event)) is not None:
            remember(state, mail)
        if event.verdict.judgement == "bot":
            out.entries.append(refused_entries(ruleset, state, event, at_ms))
        elif (event.type in signals or KEY in event.properties) and is_confirmation(
            signals, state, event, at_ms
        ):
            out.entries.append(refused_entries(ruleset, state, event, at_ms, CONFIRMATION))
        elif event.type in _BY_HAND and event.source == OPERATOR:
            out.entries.append([])
        else:
            matched = matched_rules(ruleset, state, event, at_ms)
            entries = earned(ruleset, state, event, at_ms, matched) if matched else []
            out.entries.append(entries)
        state.last = place
        state.events += 1
        if ruleset.flips and state.watch is not None:
            schedule(ruleset, state)
        if state.events % every == 0:
            out.checkpoints.append((state.events, copied(state)))
    return out


def copied(state: ScoreState) -> ScoreState:
    """A deep copy."""
    return decode_scores(encode_scores(state))

"""When time does something to a lead next, and the bound of it that is kept with the lead.

To find the very instant costs many times what an event does. So a lead keeps a lower bound: it
stands while events can only have put the instant off, and is worked out anew when it is reached.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.scorer.core.by_time import next_flip_ms
from services.scorer.core.compiled import Ruleset
from services.scorer.core.granting import any_loss
from services.scorer.core.ladder import can_rise
from services.scorer.core.sides import HELD, UNLOCKED, next_change_ms, next_turn_ms
from shared.lead_state import JourneyState, ScoreState
from shared.ledger import Entry


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


def bound_after(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: Sequence[JourneyState],
    entries: Sequence[Sequence[Entry]],
    before_ms: int | None,
    *,
    moved: bool,
) -> int | None:
    """A lower bound of `next_due_ms` after events that `extend` took in, None for never.

    entries: those of the events · before_ms: the bound before them · moved: a stage moved or was
    set by hand, or the lead is new.
    """
    if moved or any_by_hand(journeys) or not _can_only_be_later(ruleset, state, entries):
        return lower_bound(ruleset, state, journeys, before_ms)
    last_ms = -1 if state.last is None else state.last[0]
    turns = [next_flip_ms(state), soonest_turn_ms(ruleset, state, last_ms), before_ms]
    return min((turn for turn in turns if turn is not None), default=None)


def lower_bound(
    ruleset: Ruleset, state: ScoreState, journeys: Sequence[JourneyState], before_ms: int | None
) -> int | None:
    """The bound to keep, given the one so far: that stays while it is one and not reached, so that
    the index on it is seldom touched.
    """
    due_ms = next_due_ms(ruleset, state, journeys)
    if due_ms is None or before_ms is None or due_ms < before_ms:
        return due_ms
    reached = state.last is not None and before_ms <= state.last[0]
    return due_ms if reached else before_ms


def _can_only_be_later(
    ruleset: Ruleset, state: ScoreState, entries: Sequence[Sequence[Entry]]
) -> bool:
    """Can these entries, which moved no stage, only have put off the next due instant?

    So it is when all of them are gains and no watched score rises by itself: each score is then
    higher at every later instant than it would have been. Conditions of stages may still turn
    sooner: soonest_turn_ms.
    """
    if any(any_loss(of_event) for of_event in entries if of_event):
        return False
    return not any_can_rise(ruleset, state)


def any_can_rise(ruleset: Ruleset, state: ScoreState) -> bool:
    """Does any ladder watch a score that rises by itself?"""
    return any(can_rise(ladder, state.models) for ladder in ruleset.ladders.values())


def any_by_hand(journeys: Sequence[JourneyState]) -> bool:
    """Does any stage stand by hand?"""
    return any(journey.locked_ms != UNLOCKED for journey in journeys)


def any_held(journeys: Sequence[JourneyState]) -> bool:
    """Does any stage stand by hand until the next points?"""
    return any(journey.locked_ms == HELD for journey in journeys)


def soonest_turn_ms(ruleset: Ruleset, state: ScoreState, after_ms: int) -> int | None:
    """The first instant later than after_ms at which a condition of a stage may turn by time, None
    if never.
    """
    soonest: int | None = None
    if ruleset.rich:
        for ladder in ruleset.ladders.values():
            turn = next_turn_ms(ladder, state, after_ms)
            if turn is not None and (soonest is None or turn < soonest):
                soonest = turn
    return soonest

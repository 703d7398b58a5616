"""Stages set, locked and released by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from services.scorer.core.change import last_seq, move, scores_then
from services.scorer.core.compiled import Ruleset
from services.scorer.core.ladder import Ladder
from services.scorer.core.moves import MAIN
from services.scorer.core.sides import HELD, LOCKED_FOR_GOOD, UNLOCKED, place_at
from shared.envelope import Event, milliseconds
from shared.facts import StageChange
from shared.lead_state import JourneyState, ScoreState


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
    what was published stays before it. A lock put on or taken off is a change, too, from the stage
    to itself.
    """
    asked = event.properties
    at_ms = max([at_ms, *(journey.ladder_at_ms for journey in journeys)])
    name = asked.get("journey", MAIN)
    journey = next((one for one in journeys if one.name == name), None)
    ladder = ruleset.ladders.get(name) if isinstance(name, str) else None
    if journey is None or ladder is None or ladder.told is not None:
        return  # rows of the hand-off table are not stages that somebody can be put on
    stage, here = asked.get("stage"), ladder.place.get(journey.stage)
    stood = UNLOCKED if 0 < journey.locked_ms <= at_ms else journey.locked_ms
    if stage is None:
        journey.locked_ms = UNLOCKED
        to = place_at(ladder, state, journey, at_ms)
    else:
        to = ladder.place.get(stage) if isinstance(stage, str) else None
        stands = _stands_until(asked, at_ms)
        if to is None or stands is None:
            return
        journey.locked_ms = stands
    journey.ladder_at_ms = at_ms
    actor = asked.get("actor")
    by_whom = actor[:200] if isinstance(actor, str) else ""
    if to is not None and to != here:
        changes.append(
            move(ladder, state, journeys, journey, to, at_ms, "manual", known, True, [], by_whom)
        )
    elif journey.locked_ms != stood:
        changes.append(_noted(ladder, state, journeys, journey, at_ms, by_whom))


def _stands_until(asked: Mapping[str, Any], at_ms: int) -> int | None:
    """The `locked_ms` that a person asked for. An end that can't be read is None: better that
    nothing happens than that a lead is locked for good. One without a zone is in UTC.
    """
    if asked.get("lock") is not True:
        return HELD
    until = asked.get("until")
    if until is None:
        return LOCKED_FOR_GOOD
    try:
        end = datetime.fromisoformat(until)
        end_ms = milliseconds(end if end.tzinfo is not None else end.replace(tzinfo=UTC))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(end_ms, at_ms + 1)


def _noted(
    ladder: Ladder,
    state: ScoreState,
    journeys: list[JourneyState],
    journey: JourneyState,
    at_ms: int,
    actor: str,
) -> StageChange:
    """A person's word that moves nothing: it is told, and hands nobody over."""
    journey.seq = last_seq(journeys) + 1
    return StageChange(
        journey=ladder.name,
        from_stage=journey.stage,
        to_stage=journey.stage,
        at_ms=at_ms,
        seq=journey.seq,
        episode=journey.episode,
        cause="manual",
        scores=scores_then(ladder, state, at_ms),
        actor=actor,
    )

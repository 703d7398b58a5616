"""What is new about a lead since it was handed over the last time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.router.messages import Move, SinceLast
from services.router.reasons import Earned
from services.router.ruleset_words import RulesetWords
from services.router.story import story_of
from shared.envelope import milliseconds, rfc3339
from shared.facts import Cause
from shared.ruleset.handoff_journeys import is_row_journey
from shared.ruleset.stages import MAIN

DEEDS_MAX: Final = 5
MOVES_MAX: Final = 10
DAY_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Moved:
    """A stage change of a lead's history.

    handed: who got the lead by it, "" for nobody, None where that is no longer known · scores: of
    then, empty where no longer known.
    """

    seq: int
    at_ms: int
    journey: str
    from_stage: str
    to_stage: str
    cause: Cause
    episode: int
    handed: str | None = None
    scores: Mapping[str, float] = field(default_factory=dict)


def since_last(
    moves: Sequence[Moved],
    deeds: Sequence[Earned],
    scores: Mapping[str, float],
    words: RulesetWords,
    seq: int,
    now_ms: int,
) -> SinceLast | None:
    """None where the lead was never handed over before, as far as is known.

    moves: the newest first · deeds: likewise · seq: of the change that hands it over now, 0 for
    what takes no number: all moves were before.
    """
    before = [move for move in moves if not seq or move.seq < seq]
    last = next((move for move in before if _handed(move, words)), None)
    if last is None:
        return None
    between = [
        move
        for move in moves
        if last.seq < move.seq and (not seq or move.seq <= seq) and not is_row_journey(move.journey)
    ]
    new = [deed for deed in deeds if milliseconds(deed.event.occurred_at) > last.at_ms]
    return SinceLast(
        at=rfc3339(last.at_ms),
        handoff=_handed(last, words),
        sequence=last.seq,
        stage=_stood(last, before),
        episode=last.episode,
        days=max(0, now_ms - last.at_ms) // DAY_MS,
        scores={
            model: round(score - last.scores[model], 6)
            for model, score in scores.items()
            if model in last.scores
        },
        deeds=story_of(new, words, now_ms, DEEDS_MAX),
        moves=[
            Move(
                from_stage=move.from_stage,
                to_stage=move.to_stage,
                at=rfc3339(move.at_ms),
                cause=move.cause,
            )
            for move in between[:MOVES_MAX]
        ],
    )


def _stood(last: Moved, before: Sequence[Moved]) -> str:
    """The stage it had then; a row of the hand-off table is none."""
    if not is_row_journey(last.journey):
        return last.to_stage
    main = (move for move in before if move.journey == MAIN and move.seq < last.seq)
    return next((move.to_stage for move in main), "")


def _handed(move: Moved, words: RulesetWords) -> str:
    """Where what was told is no longer kept, the ladder says who gets whom: but for those that a
    recalculation moved, or whom nobody moved.
    """
    if move.handed is not None:
        return move.handed
    if move.cause == "recalculation" or move.from_stage == move.to_stage:
        return ""
    return words.handoffs.get(move.journey, {}).get(move.to_stage, "")

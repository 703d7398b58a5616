"""Where a lead stands, as its packet tells it. Pure.

A hand-off by a row of the hand-off table comes of a journey that only we know: the packet tells the
stage the lead is in, and its summary what the row is called.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.router.facts import Fact
from services.router.messages import Stage
from services.router.ruleset_words import RulesetWords
from services.router.since_last import Moved
from shared.envelope import rfc3339
from shared.facts import Cause
from shared.lead_state import JourneyState
from shared.ruleset.handoff_journeys import (
    is_account_journey,
    is_row_journey,
    row_of_journey,
)
from shared.ruleset.stages import MAIN


def stage_told(
    fact: Fact,
    journeys: Sequence[JourneyState],
    moves: Sequence[Moved],
    words: RulesetWords,
    change: tuple[str, int, Cause],
) -> Stage:
    """journeys: of the lead, now · moves: the newest first · change: the stage before, the instant
    and the cause of what hands it over.
    """
    from_stage, at_ms, cause = change
    journey, name, episode = fact.journey, fact.to_stage, fact.episode
    main = next((one for one in journeys if one.name == MAIN), None)
    if is_row_journey(fact.journey) and main is not None:
        journey, name, episode, at_ms = MAIN, main.stage, main.episode, main.since_ms
        entered = next(
            (move for move in moves if (move.journey, move.to_stage) == (MAIN, name)), None
        )
        from_stage = name
        if entered is not None:
            from_stage, cause = entered.from_stage, entered.cause
    return Stage(
        journey=journey,
        name=name,
        labels=words.labels.get(journey, {}).get(name, []),
        since=rfc3339(at_ms),
        from_stage=from_stage,
        episode=episode,
        cause=cause,
    )


def row_told(fact: Fact, words: RulesetWords) -> str:
    """What the row is called that hands a lead over, "" where none does."""
    if not is_row_journey(fact.journey):
        return ""
    for name in (*fact.rows, row_of_journey(fact.journey)[1]):
        if name in words.table:
            return words.table[name].title or name
    return f"the company reached {fact.to_stage}" if is_account_journey(fact.journey) else ""

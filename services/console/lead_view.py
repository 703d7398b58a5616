"""A lead as it is shown, from its row and its identifiers: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from services.console.answers import Allowed, Lead, Standing
from services.console.explanation import PARTS_PER_POINT
from services.console.ruleset_view import RulesetView
from services.scorer.core.consenting import Stance, stances
from services.scorer.core.sides import HELD, LOCKED_FOR_GOOD, UNLOCKED
from services.scorer.core.standing import (
    bands_at,
    grade_at,
    persona_at,
    score_at,
    segments_at,
)
from shared.envelope import rfc3339
from shared.identity import KIND_NAMES
from shared.lead_state import JourneyState, ScoreState
from shared.ruleset.handoff_journeys import is_row_journey
from shared.ruleset.stages import MAIN

# What the numbers of `locked_ms` that are no instants mean.
_HELD: dict[int, Literal["", "until_points", "locked"]] = {
    UNLOCKED: "",
    HELD: "until_points",
    LOCKED_FOR_GOOD: "locked",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """What the hand-off table keeps of a lead."""

    tags: tuple[str, ...] = ()
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class LeadRow:
    """A row of the table lead, with its scores decoded."""

    id: UUID
    created_ms: int
    known: bool
    merged_into: UUID | None
    ruleset_version: int
    stage: str
    stage_since_ms: int
    scores: ScoreState
    journeys: list[JourneyState]


def shown_at(scores: ScoreState, now_ms: int) -> int:
    """The instant scores are shown for: now, but never before the lead's newest event or what
    time gave or took after it.
    """
    newest_ms = now_ms if scores.last is None else max(now_ms, scores.last[0])
    return newest_ms if scores.watch is None else max(newest_ms, scores.watch.until_ms)


def scores_at(ruleset: RulesetView, scores: ScoreState, at_ms: int) -> dict[str, float]:
    """Scores by model as shown, rounded to a millionth; 0 where nothing was earned.

    at_ms: not before the lead's newest entry, see shown_at.
    """
    return {
        name: round(score_at(ruleset.core, scores, name, at_ms) * PARTS_PER_POINT) / PARTS_PER_POINT
        for name in ruleset.models
    }


def identifiers_by_kind(identifiers: Iterable[tuple[int, str]]) -> dict[str, list[str]]:
    """Lists of distinct values by the kind's name; every kind is there, also when empty."""
    found: dict[str, dict[str, None]] = {name: {} for name in KIND_NAMES.values()}
    for kind, value in identifiers:
        found[KIND_NAMES[kind]][value] = None
    return {name: list(values) for name, values in found.items()}


def standing_of(journey: JourneyState, ruleset: RulesetView, at_ms: int) -> Standing:
    """Where a lead is on a journey at an instant, and whether a person put it there."""
    ends_ms = journey.locked_ms
    return Standing(
        stage=journey.stage,
        since=rfc3339(journey.since_ms),
        labels=ruleset.journeys.get(journey.name, {}).get(journey.stage, []),
        episode=journey.episode,
        held=_HELD.get(ends_ms, "until" if ends_ms > at_ms else ""),
        until=rfc3339(ends_ms) if ends_ms > at_ms else None,
    )


def allowed_of(stance: Stance) -> Allowed:
    """What a person said of a purpose, or the policy's word."""
    said = stance.said
    return Allowed(
        granted=stance.granted,
        by_default=said is None,
        since=None if said is None else rfc3339(said.at_ms),
        source=None if said is None else said.source,
        text=None if said is None else said.text or None,
    )


def show_lead(
    row: LeadRow,
    ruleset: RulesetView,
    identifiers: Iterable[tuple[int, str]],
    now_ms: int,
    account: str | None = None,
    kept: Kept = Kept(),
) -> Lead:
    """The lead as the API answers it."""
    at_ms = shown_at(row.scores, now_ms)
    return Lead(
        id=row.id,
        known=row.known,
        identifiers=identifiers_by_kind(identifiers),
        traits=row.scores.traits,
        scores=scores_at(ruleset, row.scores, at_ms),
        grade=grade_at(ruleset.core, row.scores, at_ms),
        bands=bands_at(ruleset.core, row.scores, at_ms),
        persona=persona_at(ruleset.core, row.scores, at_ms),
        segments=segments_at(ruleset.core, row.scores, at_ms),
        account=account,
        tags=list(kept.tags),
        owner=kept.owner,
        stage=row.stage,
        stage_since=rfc3339(row.stage_since_ms),
        labels=ruleset.journeys[MAIN].get(row.stage, []),
        journeys={
            one.name: standing_of(one, ruleset, at_ms)
            for one in row.journeys
            if not is_row_journey(one.name)  # a row of the hand-off table is no place to be
        },
        consent={
            purpose: allowed_of(stance)
            for purpose, stance in stances(ruleset.core.consent, row.scores).items()
        },
        region=row.scores.region or None,
        ruleset_version=row.ruleset_version,
        created_at=rfc3339(row.created_ms),
        merged_into=row.merged_into,
    )

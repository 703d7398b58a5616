"""How a lead stands at an instant: its scores as shown, their names, grade, persona, segments."""

from __future__ import annotations

from services.scorer.core.combined import shown_at
from services.scorer.core.compiled import Ruleset
from services.scorer.core.ladder import TOLERANCE
from services.scorer.core.timed import Moment
from services.scorer.core.watching import NOTHING_WATCHED
from shared.lead_state import ScoreState

WORST_GRADE = "C3"


def score_at(ruleset: Ruleset, state: ScoreState, model: str, at_ms: int) -> float:
    """A model's score as it is shown: between floor and cap, or computed from others. at_ms: not
    before the newest entry. Raises KeyError for a model that the ruleset doesn't have.
    """
    return shown_at(ruleset.scores, state.models, model, at_ms)


def scores_at(ruleset: Ruleset, state: ScoreState, at_ms: int) -> dict[str, float]:
    """The same for every model of the ruleset."""
    return {name: score_at(ruleset, state, name, at_ms) for name in ruleset.models}


def grade_at(ruleset: Ruleset, state: ScoreState, at_ms: int) -> str | None:
    """A1 to C3; None in a ruleset without grades. A lead that never had points is a C3."""
    grade = ruleset.grade
    if grade is None:
        return None
    if not state.models:
        return WORST_GRADE
    letter = _named(score_at(ruleset, state, grade.fit, at_ms), grade.letters)
    digit = _named(score_at(ruleset, state, grade.engagement, at_ms), grade.digits)
    return f"{letter}{digit}"


def bands_at(ruleset: Ruleset, state: ScoreState, at_ms: int) -> dict[str, str]:
    """By model, the name of the band its score lies in; models without bands are left out."""
    return {
        name: _named(score_at(ruleset, state, name, at_ms), bands)
        for name, bands in ruleset.bands.items()
    }


def persona_at(ruleset: Ruleset, state: ScoreState, at_ms: int) -> str | None:
    """The first persona whose condition holds; None for none."""
    moment = _moment(state, at_ms)
    return next((name for name, holds in ruleset.personas if holds(moment)), None)


def segments_at(ruleset: Ruleset, state: ScoreState, at_ms: int) -> list[str]:
    """Every segment whose condition holds, in the order of the ruleset."""
    moment = _moment(state, at_ms)
    return [name for name, holds in ruleset.segments if holds(moment)]


def _moment(state: ScoreState, at_ms: int) -> Moment:
    watch = state.watch if state.watch is not None else NOTHING_WATCHED
    return Moment(None, state.traits, watch, at_ms)


def _named(score: float, names: tuple[tuple[float, str], ...]) -> str:
    """The first name whose least score is reached; the last one always is."""
    return next(name for least, name in names if score >= least - TOLERANCE)

"""How a lead stands at an instant: its scores as shown, its grade, and the names of its scores."""

from __future__ import annotations

from services.scorer.core.combined import shown_at
from services.scorer.core.compile import Ruleset
from services.scorer.core.ladder import TOLERANCE
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


def _named(score: float, names: tuple[tuple[float, str], ...]) -> str:
    """The first name whose least score is reached; the last one always is."""
    return next(name for least, name in names if score >= least - TOLERANCE)

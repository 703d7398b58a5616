"""Which persona, segments and grade a lead has, and what it allows, for its hand-off packet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.scorer.core.by_time import scored_until_ms
from services.scorer.core.compiled import Ruleset
from services.scorer.core.consenting import Stance, stances
from services.scorer.core.standing import bands_at, grade_at, persona_at, segments_at
from shared.consent import Purpose
from shared.lead_state import ScoreState

SEGMENTS_MAX = 50


@dataclass(frozen=True, slots=True)
class Belonging:
    """By the names that the ruleset gives them; None and () where it names none. bands: of the
    score, by model · consents: every purpose, empty where not known.
    """

    persona: str | None = None
    segments: tuple[str, ...] = ()
    grade: str | None = None
    bands: Mapping[str, str] = field(default_factory=dict)
    consents: Mapping[Purpose, Stance] = field(default_factory=dict)


NOWHERE = Belonging()


def belonging_of(ruleset: Ruleset | None, state: ScoreState, at_ms: int) -> Belonging:
    """As of an instant, or of the lead's newest event, where that is later. ruleset: the version
    that the state stands under; None where it can't be read.
    """
    if ruleset is None:
        return Belonging(consents=stances(None, state))
    now_ms = max(at_ms, scored_until_ms(state))
    return Belonging(
        persona=persona_at(ruleset, state, now_ms),
        segments=tuple(segments_at(ruleset, state, now_ms)[:SEGMENTS_MAX]),
        grade=grade_at(ruleset, state, now_ms),
        bands=bands_at(ruleset, state, now_ms),
        consents=stances(ruleset.consent, state),
    )

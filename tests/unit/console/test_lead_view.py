"""A lead as it is shown."""

from __future__ import annotations

from services.console.lead_view import identifiers_by_kind, scores_at, shown_at
from shared.identity import ANONYMOUS, EMAIL
from shared.lead_state import ModelState, ScoreState, Sum

DAY_MS = 86_400_000


def test_identifiers_are_lists_by_kind_without_repeats() -> None:
    """An anonymous id with two runs in time is listed once; kinds without values are empty."""
    found = identifiers_by_kind([(EMAIL, "sarah@example.com"), (ANONYMOUS, "a"), (ANONYMOUS, "a")])
    assert found == {
        "user_id": [],
        "email": ["sarah@example.com"],
        "phone": [],
        "external": [],
        "anonymous_id": ["a"],
    }


def test_scores_are_decayed_to_the_instant_and_cover_every_model() -> None:
    """Sums of each half-life are added; a model without state shows 0."""
    half_life = 10 * DAY_MS
    model = ModelState(sums={half_life: Sum(0, 8.0), 0: Sum(0, 1.0)})
    state = ScoreState(models={"engagement": model})
    assert scores_at(state, ["engagement", "fit"], half_life) == {"engagement": 5.0, "fit": 0.0}


def test_scores_are_never_shown_for_an_instant_before_the_newest_event() -> None:
    """A sender's clock may run ahead: its event's points are not blown up by decay backwards."""
    assert shown_at(ScoreState(last=(2_000, "web", "m")), 1_000) == 2_000
    assert shown_at(ScoreState(last=(500, "web", "m")), 1_000) == 1_000
    assert shown_at(ScoreState(), 1_000) == 1_000

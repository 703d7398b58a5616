"""A lead as it is shown."""

from __future__ import annotations

from services.console.lead_view import identifiers_by_kind, scores_at, shown_at
from services.console.ruleset_view import view_of
from shared.identity import ANONYMOUS, EMAIL
from shared.lead_state import ModelState, ScoreState, Sum, Watch
from shared.ruleset.document import RulesetDocument

DAY_MS = 86_400_000

RULESET = view_of(
    7,
    RulesetDocument.model_validate({
        "models": {
            "engagement": {"rules": []},
            "fit": {"rules": []},
            "both": {"combined": {"weights": {"engagement": 1, "fit": 1}}, "cap": 4},
        },
        "stages": {"ladder": [{"name": "inform"}]},
    }),
    {},
)  # fmt: skip


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
    """Sums are added, a model without state shows 0, and combined ones are computed."""
    half_life = 10 * DAY_MS
    model = ModelState(sums={half_life: Sum(0, 8.0), 0: Sum(0, 1.0)})
    state = ScoreState(models={"engagement": model})
    assert scores_at(RULESET, state, half_life) == {"engagement": 5.0, "fit": 0.0, "both": 4.0}


def test_scores_are_never_shown_for_an_instant_before_the_newest_event() -> None:
    """A sender's clock may run ahead: its event's points are not blown up by decay backwards."""
    assert shown_at(ScoreState(last=(2_000, "web", "m")), 1_000) == 2_000
    assert shown_at(ScoreState(last=(500, "web", "m")), 1_000) == 1_000
    assert shown_at(ScoreState(), 1_000) == 1_000
    assert shown_at(ScoreState(last=(500, "web", "m"), watch=Watch(until_ms=1_500)), 1_000) == 1_500

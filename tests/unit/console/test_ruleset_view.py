"""A ruleset as it is shown: ladder, labels, and how each rule's points fade."""

from __future__ import annotations

from services.console.ruleset_view import RuleView, view_of
from shared.ruleset.document import RulesetDocument

DAY_MS = 86_400_000

DOCUMENT = RulesetDocument.model_validate({
    "models": {
        "engagement": {
            "decay": {"half_life": "30d"},
            "rules": [
                {"id": "visit", "on": "page_viewed", "points": 1},
                {"id": "buyer", "on": "purchase_made", "points": 9, "decay": {"half_life": "90d"}},
                {"id": "left", "on": "email_unsubscribed", "points": -40, "decay": "none"},
                {
                    "id": "title",
                    "when": {"field": "traits.title", "contains": "chief"},
                    "points": 20,
                    "say": "decides",
                },
            ],
        }
    },
    "stages": {
        "ladder": [{"name": "inform"}, {"name": "educate", "labels": "MQL"}],
        "side": [{"name": "out", "labels": "lost", "on": "lead_disqualified"}],
    },
    "journeys": {"renewal": {"ladder": [{"name": "safe"}]}},
})  # fmt: skip
NUMBERS = {
    "engagement/visit": 4,
    "engagement/buyer": 5,
    "engagement/left": 6,
    "engagement/title": 7,
}


def test_a_rule_decays_by_its_own_half_life_else_by_its_models() -> None:
    """A rule's decay overrides its model's; a trait rule's points never fade."""
    view = view_of(3, DOCUMENT, NUMBERS)
    assert view.rules == {
        4: RuleView("engagement", "visit", "half_life", 30 * DAY_MS, ""),
        5: RuleView("engagement", "buyer", "half_life", 90 * DAY_MS, ""),
        6: RuleView("engagement", "left", "half_life", 0, ""),
        7: RuleView("engagement", "title", "half_life", 0, "decides"),
    }


def test_stages_keep_their_order_and_labels_on_every_journey() -> None:
    """The ladder's, then those beside it, with what marketing calls them."""
    view = view_of(3, DOCUMENT, NUMBERS)
    assert list(view.journeys) == ["main", "renewal"]
    assert list(view.journeys["main"].items()) == [
        ("inform", []),
        ("educate", ["MQL"]),
        ("out", ["lost"]),
    ]
    assert view.journeys["renewal"] == {"safe": []}

"""Bounds by name and number, as an explanation names what cut points."""

from __future__ import annotations

from typing import Any

import pytest

from services.scorer.core.compile import compile_ruleset
from shared.ruleset.bound_words import bounds_in_words
from shared.ruleset.document import RulesetDocument

MODEL: dict[str, Any] = {
    "cap": 100,
    "floor": -5,
    "cap_per": {"day": 50, "week": 150.5},
    "groups": {"email": {"cap": 30, "cap_per": {"month": 20}}, "loose": {}},
}


def bounds(**rule: Any) -> dict[str, str]:
    """Of a rule of that model; every bound that the core would put it under must be there."""
    each = {"id": "mail", "on": "email_clicked", "points": 5, **rule}
    document = RulesetDocument.model_validate(
        {
            "models": {"engagement": {**MODEL, "rules": [each]}},
            "stages": {"ladder": [{"name": "inform"}]},
        }
    )
    model = document.models["engagement"]
    words = bounds_in_words("engagement", model, model.rules[0])
    (compiled,) = compile_ruleset(document, {"engagement/mail": 1}, 1).rules
    assert {bound.word for bound in compiled.bounds} <= words.keys()
    return words


def test_every_cap_is_told_by_whose_it_is_and_how_high() -> None:
    """Those of the model, those of the group, and those of a calendar period."""
    assert bounds(group="email") == {
        "group cap per month": "group email cap 20 per month",
        "group cap": "group email cap 30",
        "cap per day": "cap engagement 50 per day",
        "cap per week": "cap engagement 150.5 per week",
        "cap": "cap engagement 100",
        "floor": "floor engagement -5",
    }


def test_a_group_without_caps_bounds_nothing() -> None:
    """Only the model's own bounds are left, as for a rule of no group."""
    assert bounds(group="loose") == bounds()


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("once", "limit once"),
        ({"times": 3}, "limit 3"),
        ({"times": 1, "per": "day"}, "limit 1 per day"),
        ({"times": 3, "per": "month"}, "limit 3 per month"),
        ({"once_per": "properties.id"}, "limit once for each properties.id"),
        (
            {"once_per": "properties.id", "times": 5, "per": "day"},
            "limit once per day for each properties.id, 5 values at most",
        ),
    ],
)
def test_a_limit_says_how_often_and_in_what_time(limit: Any, said: str) -> None:
    """Once, so many times, for each value, and per which calendar period."""
    assert bounds(limit=limit)["limit"] == said

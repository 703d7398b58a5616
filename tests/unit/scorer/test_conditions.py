"""Conditions of rules, operator by operator."""

from __future__ import annotations

from typing import Any

import pytest

from services.scorer.core.conditions import compile_condition
from shared.envelope import Identifiers
from shared.ruleset.document import Condition
from tests.unit.scorer.stories import event

THING = event(
    "custom",
    properties={
        "word": "Pricing",
        "count": 7,
        "text_count": "7.5",
        "yes": True,
        "none": None,
        "list": ["a", "B", 3],
        "deep": {"er": "x"},
        "huge": 10**400,
    },
    context={"page": {"path": "/blog/retirement/3"}, "odd": "text"},
    identifiers=Identifiers(email="sarah@gmail.com", external={"crm": "7"}),
)
TRAITS = {"title": "Head of Sales"}

CASES: list[tuple[str, dict[str, Any], bool]] = [
    ("properties.word", {"eq": "Pricing"}, True),
    ("properties.word", {"eq": "pricing"}, False),
    ("properties.word", {"eq": "pricing", "ignore_case": True}, True),
    ("properties.count", {"eq": 7}, True),
    ("properties.count", {"eq": 7.0}, True),
    ("properties.count", {"eq": "7"}, False),
    ("properties.yes", {"eq": True}, True),
    ("properties.yes", {"eq": 1}, False),
    ("properties.missing", {"ne": "x"}, False),
    ("properties.word", {"ne": "x"}, True),
    ("properties.word", {"in": ["x", "Pricing"]}, True),
    ("properties.list", {"in": ["a"]}, False),
    ("context.page.path", {"glob": "/blog/*"}, True),
    ("context.page.path", {"glob": ["/pricing*", "/blog/*/?"]}, True),
    ("context.page.path", {"glob": "/blog"}, False),
    ("context.page.path", {"glob": "*/3"}, True),
    ("context.page.path", {"glob": "*retire*"}, True),
    ("context.page.path", {"glob": "/BLOG/*", "ignore_case": True}, True),
    ("context.page.path", {"glob": "*"}, True),
    ("context.odd.path", {"glob": "*"}, False),
    ("properties.word", {"contains": "ric"}, True),
    ("properties.word", {"contains": ["x", "RIC"], "ignore_case": True}, True),
    ("properties.list", {"contains": "a"}, True),
    ("properties.list", {"contains": "b"}, False),
    ("properties.list", {"contains": "b", "ignore_case": True}, True),
    ("properties.count", {"contains": "7"}, False),
    ("properties.word", {"matches": "^Pri.*g$"}, True),
    ("properties.word", {"matches": ["x", "ICING"], "ignore_case": True}, True),
    ("properties.count", {"matches": "7"}, False),
    ("properties.count", {"gte": 7}, True),
    ("properties.count", {"gt": 7}, False),
    ("properties.count", {"gte": 5, "lt": 8}, True),
    ("properties.count", {"gte": 5, "lt": 7}, False),
    ("properties.text_count", {"gt": 7, "lte": 7.5}, True),
    ("properties.word", {"lt": 5}, False),
    ("properties.yes", {"gte": 1}, False),
    ("properties.huge", {"gte": 1}, False),
    ("properties.none", {"exists": True}, False),
    ("properties.missing", {"exists": False}, True),
    ("properties.deep.er", {"eq": "x"}, True),
    ("properties.deep.er.est", {"exists": True}, False),
    ("traits.title", {"contains": "head of", "ignore_case": True}, True),
    ("type", {"eq": "custom"}, True),
    ("source", {"in": ["web"]}, True),
    ("verdict.judgement", {"eq": "human"}, True),
    ("identifiers.email", {"glob": "*@gmail.com"}, True),
    ("identifiers.phone", {"exists": True}, False),
    ("identifiers.external.crm", {"eq": "7"}, True),
    ("consent.mail", {"exists": True}, False),
]


@pytest.mark.parametrize(("field", "asked", "expected"), CASES)
def test_an_operator_says(field: str, asked: dict[str, Any], expected: bool) -> None:
    """Missing fields and other kinds of values are simply false."""
    condition = Condition.model_validate({"field": field, **asked})
    assert compile_condition(condition)(THING, TRAITS) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"all": [1, 1, 1]}, True),
        ({"all": [1, 1, 0]}, False),
        ({"all": [1, 0]}, False),
        ({"any": [0, 0, 1]}, True),
        ({"any": [0, 1]}, True),
        ({"any": [0]}, False),
        ({"not": 0}, True),
        ({"all": [{"not": {"any": [0, 0]}}, 1]}, True),
    ],
)
def test_conditions_combine(condition: dict[str, Any], expected: bool) -> None:
    """all, any and not, nested as one likes."""

    def leafed(part: Any) -> Any:
        if isinstance(part, int):
            return {"field": "properties.count", "eq": 7 if part else 8}
        if isinstance(part, list):
            return [leafed(one) for one in part]
        return {key: leafed(value) for key, value in part.items()}

    compiled = compile_condition(Condition.model_validate(leafed(condition)))
    assert bool(compiled(THING, TRAITS)) is expected

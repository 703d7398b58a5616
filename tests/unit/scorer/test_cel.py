"""Conditions written as expressions, where the library for them is installed."""

from __future__ import annotations

import importlib.util

import pytest

from shared.ruleset.expressions import expression_fault, traits_in
from shared.ruleset.reading import RulesetErrors, read_ruleset
from tests.unit.scorer.stories import MONDAY, PLAIN_LADDER, event, ruleset, run

RULES = """
models:
  e:
    rules:
      - {id: big, on: purchased, points: 5, when: {cel: "%s"}}
"""
needs_library = pytest.mark.skipif(
    importlib.util.find_spec("cel") is None, reason="common-expression-language is not installed"
)


@needs_library
def test_an_expression_decides() -> None:
    """Over the event and the traits; what can't be worked out is false."""
    rules = ruleset(RULES % "properties.amount > 10.0 && traits.plan == 'pro'")
    cases = [
        ({"amount": 11.5}, {}),
        ({"amount": 11.5}, {"plan": "pro"}),
        ({}, {}),
        ({"amount": 9.5}, {}),
    ]
    events = [
        event("purchased", MONDAY + n, properties=properties, traits=traits)
        for n, (properties, traits) in enumerate(cases)
    ]
    assert [len(entries) for entries in run(rules, events).entries] == [0, 1, 0, 0]


@needs_library
def test_what_is_no_expression_is_refused() -> None:
    """With what is wrong, and with the names that there are."""
    assert expression_fault("properties.amount > 10.0") is None
    assert "not an expression" in (expression_fault("1 +") or ("", ""))[0]
    assert (expression_fault("event.type == 'x'") or ("", ""))[0] == "there is no event"


@pytest.mark.skipif(importlib.util.find_spec("cel") is not None, reason="it is installed")
def test_without_the_library_an_expression_is_refused() -> None:
    """With a remedy, when the ruleset is read."""
    with pytest.raises(RulesetErrors, match=r"install leadscore\[cel\]"):
        read_ruleset(RULES % "true" + PLAIN_LADDER)


def test_traits_that_an_expression_names_are_known() -> None:
    """So that they are kept before others."""
    assert traits_in("traits.plan == 'x' && traits.size > 3") == {"plan", "size"}

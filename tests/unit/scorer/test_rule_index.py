"""Rules below a type are found by what they ask for, and no rule is lost by it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.scorer.core.conditions import compile_condition
from services.scorer.core.rule_index import literals_of
from shared.ruleset.document import Condition
from tests.oracle.conditions_at_random import TYPES, WORDS, field_conditions
from tests.oracle.histories_at_random import SPEAKING, compiled, event_of, events
from tests.unit.scorer.effort import examples
from tests.unit.scorer.stories import event, ruleset


@examples(150)
@given(
    whens=st.lists(field_conditions(), min_size=1, max_size=12),
    plain=events(),
    traits=st.dictionaries(st.sampled_from(["title", "size"]), st.sampled_from(WORDS)),
)
def test_the_index_finds_what_checking_every_rule_finds(
    whens: list[dict[str, Any]], plain: dict[str, Any], traits: dict[str, Any]
) -> None:
    """Random conditions, in order, twice (the second time from memory)."""
    listed = [
        {"id": f"r{n}", "on": [*TYPES, *SPEAKING], "points": 1, "when": w}
        for n, w in enumerate(whens)
    ]
    rules = compiled({"models": {"e": {"rules": listed}}, "stages": {"ladder": [{"name": "a"}]}})
    happened = event_of(plain)
    slow = [rule for rule in rules.rules if rule.check and rule.check(happened, traits)]
    assert rules.index.matching(happened, traits) == slow
    assert rules.index.matching(happened, traits) == slow


def test_hundreds_of_rules_on_one_type_are_not_looked_at() -> None:
    """Five hundred pages, five hundred rules: a view looks at its own."""
    asked = [f"eq: /p/{n}" if n % 2 else f"glob: /p/{n}/*" for n in range(500)]
    listed = "\n".join(
        f"      - {{id: r{n}, on: page_viewed, points: 1, when: {{field: source, {ask}}}}}"
        for n, ask in enumerate(asked)
    )
    rules = ruleset(f"models:\n  e:\n    rules:\n{listed}\n")
    shelf = rules.index._shelves["page_viewed"]
    assert shelf.first is not None
    for path, names in {"/p/7": ["e/r7"], "/p/8/x": ["e/r8"], "/other": []}.items():
        happened = event(source=path)
        found = shelf.first.candidates(happened, {})
        assert [(rule.name, check) for rule, check in found] == [(name, None) for name in names]


def test_a_rule_that_its_literal_tells_whole_is_not_checked_again() -> None:
    """And what else it asks for is."""
    (whole,) = literals_of(Condition.model_validate({"field": "type", "in": ["a", "b"]}))
    assert whole.rest is None
    for part in ({"glob": "/p*g"}, {"glob": ["/p*", "/q?"]}, {"eq": "/p", "exists": True}):
        (found,) = literals_of(Condition.model_validate({"field": "properties.a", **part}))
        assert found.rest is not None
    part = {"all": [{"field": "type", "eq": "a"}, {"field": "properties.n", "gte": 3}]}
    (found,) = literals_of(Condition.model_validate(part))
    assert found.texts == ("a",)
    assert found.rest is not None
    assert compile_condition(found.rest)(event(properties={"n": 3}), {})


def test_what_has_no_literal_is_always_looked_at() -> None:
    """Case folded away, a pattern that begins with a star, numbers, either-or."""
    for when in (
        {"field": "type", "eq": "a", "ignore_case": True},
        {"field": "type", "glob": ["a*", "*b"]},
        {"field": "type", "in": ["a", 3]},
        {"any": [{"field": "type", "eq": "a"}, {"field": "type", "eq": "b"}]},
        {"not": {"field": "type", "eq": "a"}},
    ):
        assert literals_of(Condition.model_validate(when)) == []

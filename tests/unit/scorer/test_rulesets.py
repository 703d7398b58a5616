"""The shipped rulesets: sound, tested, known to editors, and using what senders send."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from services.scorer.scenarios import run_scenarios
from services.scorer.shipped import DEFAULT, shipped_names, shipped_text
from shared.event_types import STANDARD_EVENT_TYPES
from shared.ruleset.document import RulesetDocument
from shared.ruleset.reading import read_ruleset
from shared.ruleset.rule_words import rule_sentence
from shared.ruleset.schema import ruleset_schema
from shared.ruleset.yaml_tree import read_tree

FOLDER = Path(__file__).parents[3] / "services" / "scorer" / "rulesets"
NAMES = ["b2b-software", "e-commerce", "financial-advice", "product-trial", "real-estate"]
SCHEMA = jsonschema.Draft202012Validator(ruleset_schema())

shipped = pytest.mark.parametrize("name", NAMES)


def document(name: str) -> RulesetDocument:
    return read_ruleset(shipped_text(name))


def values_of(part: Any, key: str) -> Iterator[Any]:
    """Every value of a key, at any depth of a document as it is written."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == key:
                yield value
            yield from values_of(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from values_of(value, key)


def types_named(name: str) -> set[str]:
    """Event types that a shipped ruleset asks for; tests aside."""
    tree = dict(read_tree(shipped_text(name)).value)
    del tree["tests"]
    found: set[str] = set()
    for value in values_of(tree, "on"):
        found |= {value} if isinstance(value, str) else set(value)
    return found


def test_these_are_shipped() -> None:
    """The default comes first."""
    assert sorted(shipped_names()) == NAMES
    assert shipped_names()[0] == DEFAULT == "b2b-software"
    with pytest.raises(LookupError):
        shipped_text("nothing")


@shipped
def test_its_own_tests_hold(name: str) -> None:
    """At least five stories, and each comes out as told."""
    results = run_scenarios(document(name))
    assert len(results) >= 5
    assert [(r.scenario.name, r.differences) for r in results if not r.holds] == []


@shipped
def test_an_editor_accepts_it_by_the_schema_it_names(name: str) -> None:
    """The first line leads to the committed schema, and the text is valid by it."""
    text = shipped_text(name)
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    named = (FOLDER / first.partition("=")[2]).resolve()
    assert named.name == "ruleset.schema.json"
    assert named.exists()
    assert [error.message for error in SCHEMA.iter_errors(read_tree(text).value)] == []


@shipped
def test_every_rule_is_on_a_standard_type_has_words_and_a_sentence(name: str) -> None:
    """A shipped rule on a type that nobody sends would be dead."""
    assert {type_ for type_ in types_named(name) if "*" not in type_} <= STANDARD_EVENT_TYPES
    for model_name, model in document(name).models.items():
        for rule in model.rules:
            assert rule.say, rule.id
            sentence = rule_sentence(model_name, model, rule)
            assert sentence.endswith(".")
            assert "None" not in sentence


def test_together_they_use_every_standard_event_type() -> None:
    """Whatever a source sends by a standard name means something to one of them."""
    assert STANDARD_EVENT_TYPES - set().union(*map(types_named, NAMES)) == set()


def test_together_they_show_what_rules_can_do() -> None:
    """Each kind of condition, decay, points and bound stands in one of them to copy from."""
    trees = [read_tree(shipped_text(name)).value for name in NAMES]
    missing = {
        key
        for key in ("count", "since", "quiet", "sequence", "seen", "linear", "window", "floor",
                    "table", "groups", "cap_per", "valid", "effort", "combined", "grade", "bands",
                    "after", "half_life", "once_per")
        if not any(True for tree in trees for _ in values_of(tree, key))
    }  # fmt: skip
    assert missing == set()


def test_the_tests_see_what_the_rules_do() -> None:
    """With the points of all rules doubled, most stories of each ruleset come out otherwise."""
    for name in NAMES:
        tree = document(name)
        doubled = tree.model_copy(
            update={
                "models": {
                    key: model.model_copy(
                        update={
                            "rules": [
                                rule.model_copy(update={"points": rule.points * 2})
                                if isinstance(rule.points, float)
                                else rule
                                for rule in model.rules
                            ]
                        }
                    )
                    for key, model in tree.models.items()
                }
            }
        )
        results = run_scenarios(doubled)
        failed = [result for result in results if not result.holds]
        assert len(failed) > len(results) / 2, name

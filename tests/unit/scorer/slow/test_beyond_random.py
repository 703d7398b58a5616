"""What random rulesets don't write and random events don't say, and what the core makes of it."""

from __future__ import annotations

from typing import Any

import pytest

from services.scorer.audit.yardstick import Yardstick, as_written, plain_event
from services.scorer.core.compile import compile_ruleset
from services.scorer.core.fold import fold_scores, new_state
from services.scorer.slow.formulas import computed
from services.scorer.slow.lead import Oracle
from services.scorer.slow.traits import MOST_TRAITS, folded, traits_read
from shared.envelope import Event, Identifiers, instant
from shared.ruleset.reading import read_ruleset

AT_MS = 1_793_490_000_000


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("a-b * 2 - c", 3.0), ("-(c + 1) * 2", -10.0), ("min(a-b, c, 2.5)", 2.5),
        ("8 / 2 / 2", 2.0), ("max(min(c, 9), 1) + .5", 4.5), ("- c - -c", 0.0), ("7. * 2", 14.0),
    ],
)  # fmt: skip
def test_formulas_are_worked_out_as_written(formula: str, value: float) -> None:
    """From left to right, products first; a name may have hyphens."""
    assert computed(formula, {"a-b": 3.5, "c": 4.0}) == value


def test_a_trait_is_kept_when_it_is_small_and_read() -> None:
    """Null, and what is too large, take the one before away; of too many those read stay."""
    before = {"a": 1, "b": "x", "c": 2}
    assert folded(before, {"a": None, "b": "y" * 1001, "d": 1 << 70}, set()) == {"c": 2}
    many = {f"t{number:03}": number for number in range(MOST_TRAITS + 5)}
    kept = folded({}, many, {"t068"})
    assert len(kept) == MOST_TRAITS
    assert "t068" in kept
    assert "t063" not in kept


def test_every_trait_that_a_document_names_is_found() -> None:
    """In fields, tables, limits and expressions, however deep."""
    document = {
        "models": [{"points": {"table": "traits.a"}, "limit": {"once_per": "traits.b"}}],
        "when": {"any": [{"field": "traits.c.deep"}, {"cel": "traits.d > 1 && 'traits.' != ''"}]},
    }
    assert traits_read(document) == {"a", "b", "c", "d"}


RULE = "models: {{e: {{rules: [{{id: r, on: '*', points: 1, when: {when}}}]}}}}\n"
STAGES = "stages: {ladder: [{name: inform}]}\n"
CONDITIONS: list[tuple[str, dict[str, Any], bool]] = [
    ("{field: properties.a, glob: '[ab]*'}", {"a": "[ab]c"}, True),
    ("{field: properties.a, glob: '[ab]*'}", {"a": "ac"}, False),
    ("{field: properties.a, glob: 'a*z'}", {"a": "a" + "b" * 10_000 + "z"}, False),
    ("{field: properties.a, glob: 'a*'}", {"a": "a" + "b" * 10_000}, True),
    (r"{field: properties.a, matches: '\D\d$', ignore_case: true}", {"a": "X7"}, True),
    (r"{field: properties.a, matches: '7$'}", {"a": "7\n"}, False),
    ("{field: properties.a, matches: STRASSE, ignore_case: true}", {"a": "straße"}, False),
    ("{field: properties.a, gt: 5}", {"a": " 7 "}, True),
    ("{field: properties.a, gt: 5}", {"a": "inf"}, False),
    ("{field: properties.a, gt: 5}", {"a": "9" * 41}, False),
    ("{field: properties.a, gt: 5}", {"a": 10**400}, False),
    ("{field: properties.a, lt: 5, gte: null}", {"a": 4}, True),
    ("{field: consent.mail, eq: true}", {}, True),
    ("{field: verdict.judgement, eq: unknown}", {}, True),
    ("{field: identifiers.external.crm, eq: '7'}", {}, True),
    ("{field: identifiers.phone, exists: true}", {}, False),
]


@pytest.mark.parametrize(("when", "properties", "held"), CONDITIONS)
def test_core_and_second_opinion_read_a_condition_alike(
    when: str, properties: dict[str, Any], held: bool
) -> None:
    """And as it is meant."""
    yardstick = _yardstick(RULE.format(when=when) + STAGES)
    event = _event(properties)
    oracle = yardstick.oracle([event], AT_MS)
    assert bool(oracle.entries) is held
    assert bool(fold_scores(yardstick.core, new_state(), [event]).entries[0]) is held


def test_dates_without_a_zone_are_midnights_of_utc() -> None:
    """A rule that is valid to a date counts up to the last millisecond before it."""
    text = """
models: {e: {rules: [{id: r, on: page_viewed, points: 1, valid: {to: 2026-11-01}}]}}
stages: {ladder: [{name: inform}]}
"""
    last = plain_event(_event({}))
    for ms, entries in ((1_793_491_199_999, 1), (1_793_491_200_000, 0)):
        assert len(Oracle(as_written(text), [{**last, "ms": ms}]).entries) == entries


def _event(properties: dict[str, Any]) -> Event:
    at = instant(AT_MS)
    return Event(
        id="1", source="web", type="page_viewed", occurred_at=at, received_at=at,
        identifiers=Identifiers(email="p@example.com", external={"crm": "7"}),
        properties=properties, consent={"mail": True},
    )  # fmt: skip


def _yardstick(text: str) -> Yardstick:
    document = read_ruleset(text)
    numbers = {name: number for number, name in enumerate(document.rule_names(), 1)}
    names = {number: name for name, number in numbers.items()}
    return Yardstick(as_written(text), compile_ruleset(document, numbers, 1), names)

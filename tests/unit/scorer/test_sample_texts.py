"""Texts made from patterns."""

from __future__ import annotations

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.core.conditions import glob_test
from services.scorer.core.sample_texts import filled, texts_matching
from tests.unit.scorer.effort import examples

PATTERNS = [
    r"\b(chief|c[efotim]o|head of)\b", r"^/pricing(/team)?$", r"[0-9]{4}-[0-9]{2}", r"a+b*c?",
    r"(?i)ceo", r"(?P<kind>x|y)\.html", r"[^a-z]+", r"[]x]y", r"\d{2,}", r"\p{Lu}\pL", r".*",
    r"[[:alpha:]_]\w\s\S", r"(a|b(c|d))e", r"\Aab\z", r"x|", r"a{2,3}?", r"[\]\\]z", r"\.\*",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_sample_of_an_expression_matches_it(pattern: str) -> None:
    """At least one of the guesses, by the engine that decides."""
    assert any(re2.search(pattern, text) for text in texts_matching(pattern))


def test_every_branch_has_a_sample() -> None:
    """So that another can be tried where the first doesn't fit."""
    assert {"chief", "head of"} <= set(texts_matching(r"\b(chief|head of)\b"))


@pytest.mark.parametrize("pattern", ["(a", "a)", "[a", "a{", "\\", r"[^\s\S]"])
def test_what_cannot_be_read_has_no_samples(pattern: str) -> None:
    """Nothing raises: the rule then has no witness, at worst."""
    assert texts_matching(pattern) == []


@pytest.mark.parametrize("pattern", ["/pricing*", "*/team", "a?c", "*", "plain"])
@pytest.mark.parametrize("filler", ["", "x", "/blog"])
def test_a_filled_glob_matches(pattern: str, filler: str) -> None:
    """Whatever it is filled with."""
    assert glob_test(pattern)(filled(pattern, filler))


@examples(200)
@given(st.text(alphabet="ab|()[]{}*+?\\^$.:-1,dwPi<>", max_size=12))
def test_no_text_is_too_strange(pattern: str) -> None:
    """Any text gives a few samples or none."""
    assert len(texts_matching(pattern)) <= 8

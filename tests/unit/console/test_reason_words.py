"""Reasons in words: the rule's wording for the event, and what cut its points."""

from __future__ import annotations

import pytest

from services.console.reason_words import reason_in_words
from shared.ledger import Entry


@pytest.mark.parametrize(
    ("say", "said"),
    [
        ("asked for a demo", "asked for a demo"),
        ("read {properties.title}", "read The Guide"),
        ("", "page viewed"),
    ],
)
def test_the_wording_is_filled_in_or_the_type_speaks(say: str, said: str) -> None:
    """A rule without words is told by the event's type."""
    event = {"type": "page_viewed", "properties": {"title": "The Guide"}}
    assert reason_in_words(say, event, Entry(1, 10.0, 10.0)) == said


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Entry(1, 3.5, 10.0, "limit"), "asked (limit: 3.5 of 10 points)"),
        (Entry(1, -20.0, -20.0, "taken back"), "no longer: asked"),
    ],
)
def test_what_cut_the_points_is_said(entry: Entry, said: str) -> None:
    """A limit, a cap and points taken back show in the reason."""
    assert reason_in_words("asked", {"type": "demo_requested"}, entry) == said

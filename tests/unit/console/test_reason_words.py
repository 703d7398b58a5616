"""Reasons in words: a rule's sentence, filled in from the event."""

from __future__ import annotations

import pytest

from services.console.reason_words import reason_in_words
from shared.ledger import Entry

PLAIN = Entry(1, 10.0, 10.0)


@pytest.mark.parametrize(
    ("say", "fields", "said"),
    [
        ("asked for a demo", {}, "asked for a demo"),
        ("read {properties.title}", {"properties": {"title": "A \n B"}}, "read A B"),
        ("saw {context.page.path}", {"context": {"page": {"path": "/pricing"}}}, "saw /pricing"),
        ("read {properties.title}", {"properties": {}}, "page viewed"),
        ("read {properties.title}", {"properties": {"title": ["x"]}}, "page viewed"),
        ("", {}, "page viewed"),
    ],
)
def test_places_are_filled_or_the_type_speaks(
    say: str, fields: dict[str, object], said: str
) -> None:
    """A sentence with a place the event can't fill gives way to the event's type."""
    assert reason_in_words(say, "page_viewed", fields, PLAIN) == said


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (Entry(1, 3.5, 10.0, "limit"), "asked (limit: 3.5 of 10 points)"),
        (Entry(1, -20.0, -20.0, "taken back"), "no longer: asked"),
    ],
)
def test_what_cut_the_points_is_said(entry: Entry, said: str) -> None:
    """A limit, a cap and points taken back show in the reason."""
    assert reason_in_words("asked", "demo_requested", {}, entry) == said

"""Reasons in words: what may be filled in, and what it can't do."""

from __future__ import annotations

import pytest

from shared.envelope import Event, Identifiers, encode_event, instant
from shared.ruleset.wording import MAX_WORDS, fields_in, in_words

EVENT = Event(
    id="1",
    source="web",
    type="content_downloaded",
    occurred_at=instant(0),
    received_at=instant(0),
    identifiers=Identifiers(email="sarah@example.com"),
    properties={
        "title": "Your Guide\n to {type} \x1b[31m\u202e",
        "seconds": 42.5,
        "percent": 80,
        "tags": ["a", "b"],
        "nested": {"x": 1},
        "long": "x" * 5000,
        "whole": True,
    },
    context={"page": {"title": "Prices"}},
)


@pytest.mark.parametrize(
    ("say", "words"),
    [
        ("downloaded {properties.title}", "downloaded Your Guide to {type} [31m"),
        ("on {context.page.title|a page}", "on Prices"),
        ("on {context.page.missing|a page}", "on a page"),
        ("on {context.page.missing} now", "on now"),
        ("{properties.seconds} s, {properties.percent} %", "42.5 s, 80 %"),
        ("{properties.tags}", "a, b"),
        ("{properties.nested|nothing}", "nothing"),
        ("{properties.whole}", "yes"),
        ("by {identifiers.email}", "by sarah@example.com"),
        ("{properties.__class__}{__class__.__mro__}{0}{}", "{0}{}"),
        ("", "content downloaded"),
        ("{properties.missing}", "content downloaded"),
    ],
)
def test_fields_are_filled_in_once_and_cleaned(say: str, words: str) -> None:
    """Control and direction characters go, what is filled in isn't read again."""
    assert in_words(say, EVENT) == words


def test_words_are_bounded() -> None:
    """However long a value, and however often it is named."""
    words = in_words("{properties.long}" * 20, EVENT)
    assert len(words) == MAX_WORDS
    assert words.endswith("…")


def test_an_envelope_as_json_reads_the_same() -> None:
    """The router and the console may hand in the stored envelope."""
    import json

    plain = json.loads(encode_event(EVENT))
    for say in ("downloaded {properties.title}", "{source} {context.page.title}", ""):
        assert in_words(say, plain) == in_words(say, EVENT)


def test_the_fields_of_a_wording_are_known() -> None:
    """What a checker looks at: the paths, without the words for a missing value."""
    assert fields_in("a {properties.x|y} and {traits.z}") == ["properties.x", "traits.z"]

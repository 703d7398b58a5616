"""The script that is served is made of the one that is read and reviewed."""

from __future__ import annotations

from tests.sdks.minified_beacon import SERVED, minified


def test_what_is_served_is_made_of_the_source() -> None:
    """`make beacon` was run after the last change."""
    assert SERVED.read_text() == minified()

"""Ids made from content: the same for the same, different without the key."""

from uuid import UUID

import pytest

from shared.ids import dedupe_key


def test_the_same_event_has_the_same_key() -> None:
    """By source and id, again and again."""
    first = dedupe_key(b"k" * 32, "web", "1")
    assert first == dedupe_key(b"k" * 32, "web", "1") == UUID(str(first))
    assert len({first, dedupe_key(b"k" * 32, "app", "1"), dedupe_key(b"k" * 32, "web", "2")}) == 3


@pytest.mark.parametrize("length", [16, 64, 65, 200])
def test_who_lacks_the_hash_key_cannot_guess_an_event_key(length: int) -> None:
    """Another hash key of any length, though it differs in its last byte only, gives other keys."""
    one, other = b"k" * length, b"k" * (length - 1) + b"j"
    assert dedupe_key(one, "web", "1") != dedupe_key(other, "web", "1")

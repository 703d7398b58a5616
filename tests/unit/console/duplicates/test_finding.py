"""Which leads are compared with which."""

from __future__ import annotations

from uuid import UUID

from services.console.duplicates.finding import MOST_IN_A_BLOCK, Found, pairs_among
from services.console.duplicates.profile import Profile, profile_of
from shared.identity import EMAIL


def namesakes(count: int) -> list[Profile]:
    """People of one name in one company, each with an address of their own."""
    traits = {"name": "Ada Lovelace", "company": "Acme"}
    return [
        profile_of(UUID(int=number), [(EMAIL, f"{number}@{number}.example")], traits)
        for number in range(1, count + 1)
    ]


def test_what_many_share_says_nothing() -> None:
    """A test account's name on thousands of leads would be millions of pairs."""
    found = Found()
    pairs_among(namesakes(MOST_IN_A_BLOCK + 1), found)
    assert (found.pairs, found.left_out > 0) == ({}, True)


def test_what_few_share_makes_pairs_of_each_two() -> None:
    """Each pair once, the smaller id first, whatever the order of the leads."""
    found = Found()
    pairs_among(namesakes(3)[::-1], found)
    ids = [(one.int, other.int) for one, other in found.pairs]
    assert sorted(ids) == [(1, 2), (1, 3), (2, 3)]
    assert found.left_out == 0

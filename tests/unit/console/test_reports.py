"""Shares, lifts, and which step made people leave."""

from __future__ import annotations

import random

import pytest

from services.console.reports.mailing import WEEK_MS, Said, Sent, Tally, tallies
from services.console.reports.statistics import lift, share


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        # Newcombe (1998), table I, method 3: Wilson's score interval.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_shares_have_wilsons_interval(part: int, whole: int, low: float, high: float) -> None:
    """As published for these numbers."""
    found = share(part, whole)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_nothing_has_no_share_and_no_lift() -> None:
    """Rather than a number that means nothing."""
    assert share(0, 0) is None
    assert lift(0, 10, 5, 10) is None
    assert lift(0, 0, 5, 10) is None


def test_lifts_are_over_the_base_rate() -> None:
    """40 % where all have 30 %; by hand exp(ln 4/3 ± 1.96 · sqrt(a/1600 + (a + b)/3600 − 2a/2400)),
    where a = 100 · 40.5/101 · 60.5/101 and b = 100 · 20.5/101 · 80.5/101.
    """
    found = lift(40, 100, 20, 100)
    assert found is not None
    assert (round(found.value, 4), round(found.low, 4), round(found.high, 4)) == (
        1.3333, 1.1432, 1.5551,
    )  # fmt: skip
    everywhere = lift(40, 100, 0, 0)
    assert everywhere is not None
    assert (everywhere.value, everywhere.low, everywhere.high) == (1.0, 1.0, 1.0)
    alone = lift(5, 10, 0, 10)
    assert alone is not None
    assert (alone.value, alone.low < alone.high) == (2.0, True)


def test_intervals_of_lifts_hold_the_truth_about_as_often_as_they_say() -> None:
    """95 of 100 by definition; drawn 2,000 times with known shares."""
    dice = random.Random(7)

    def drawn(chance: float, whole: int) -> int:
        return sum(dice.random() < chance for _ in range(whole))

    held = 0
    for _ in range(2000):
        found = lift(drawn(0.4, 80), 80, drawn(0.2, 160), 160)
        assert found is not None
        held += found.low <= 0.4 / ((0.4 * 80 + 0.2 * 160) / 240) <= found.high
    assert 0.935 <= held / 2000 <= 0.965


def test_a_word_counts_for_the_step_it_names_or_for_the_last_one() -> None:
    """Within a week; who never got a step counts for none."""
    sent = [
        Sent("a", "s", "one", 100), Sent("a", "s", "two", 200), Sent("b", "s", "one", 100),
        Sent("c", "s", "one", 100), Sent("d", "s", "two", 100),
    ]  # fmt: skip
    said = {
        "a": Said(150, "email_unsubscribed"),
        "b": Said(100 + WEEK_MS + 1, "email_unsubscribed"),
        "c": Said(500, "email_complained", ("s", "two")),
        "d": Said(101, "email_complained", ("other", "x")),
        "e": Said(101, "email_complained"),
    }
    assert tallies(sent, said) == {("s", "one"): Tally(3, 1, 0), ("s", "two"): Tally(2, 0, 2)}

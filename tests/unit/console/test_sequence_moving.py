"""Which step comes next for whom another version of a sequence is to hold."""

from __future__ import annotations

import pytest

from services.console.sequences.moving import step_after_move
from shared.ruleset.sequences import NurtureSequence


def steps(text: str) -> NurtureSequence:
    """ "a0 b2": step a on day 0, step b on day 2."""
    return NurtureSequence.model_validate({
        "steps": [
            {"id": word[0], "day": int(word[1:]), "content": {"content": {"id": "x"}}}
            for word in text.split()
        ]
    })  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "number", "done", "then"),
    [
        ("a0 b2 c4", "a0 b2 c4", 1, "a", "b"),
        ("a0 b2", "x0 a1 b2", 1, "a", "b"),  # one more before
        ("a0 b2", "a0 x1 b2", 1, "a", "x"),  # one more between
        ("a0 b2 c4", "a0 c4", 1, "a", "c"),  # the next is gone
        ("a0 b2 c4", "b0 c4", 1, "a", "b"),  # what was sent is gone
        ("a0 b2 c4", "c0 a1 b2", 1, "a", "b"),  # another order
        ("a0 b2 c4", "c0 a1 b2", 3, "abc", None),
        ("a0 b2 c4", "x0 y2 z4", 2, "ab", "z"),  # all others: by the day
        ("a0 b2 c4", "x0 y2", 2, "ab", None),
        ("a0 b2", "x0 y2", 0, "", "x"),
        ("a0 b2", "b0 a2", 0, "", "a"),
        (None, "a0 b2 c4", 1, "", "b"),
        (None, "a0", 1, "", None),
    ],
)
def test_the_first_step_after_those_that_are_over(
    old: str | None, new: str, number: int, done: str, then: str | None
) -> None:
    """None is had twice, and none is passed over because of its place."""
    written = steps(new)
    place = step_after_move(None if old is None else steps(old), written, number, set(done))
    assert (None if place is None else written.steps[place].id) == then

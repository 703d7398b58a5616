"""Values that a field could have so that all that is asked of it holds: likely ones are tried."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any

from services.scorer.core.conditions import Test, value_test
from services.scorer.core.sample_texts import filled, texts_matching
from shared.ruleset.condition import Condition

# When nothing that was asked for gives one away.
_ANYTHING = ("something", "x", "something else", "", 1, 0, True, False, None)
_MOST_TEXTS = 12


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of one field. test: of its value, None where it is missing · values, globs,
    bounds: what the condition names, from which likely values are made.
    """

    path: str
    test: Test
    values: tuple[Any, ...] = ()
    globs: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()


def ask_of(condition: Condition, wanted: bool) -> Ask:
    """What a condition on a field asks of it. wanted: False where it must not hold."""
    assert condition.field is not None
    test = value_test(condition)
    values: list[Any] = [condition.ne]
    if wanted:
        values = [condition.eq, *(condition.in_ or ()), *(condition.contains or ())]
        for pattern in condition.matches or ():
            values += texts_matching(pattern)
    bounds = (condition.gte, condition.gt, condition.lte, condition.lt)
    return Ask(
        condition.field,
        test if wanted else lambda value: not test(value),
        tuple(value for value in values if value is not None),
        tuple(condition.glob or ()),
        tuple(bound for bound in bounds if bound is not None),
    )


def fitting(asks: Sequence[Ask], first: Iterable[Any] = ()) -> Iterator[Any]:
    """Values for which everything asked of one field holds, the likeliest first; may repeat, and
    need not find the only value that would do. first: those to be tried before others.
    """
    tests = [ask.test for ask in asks]
    for value in chain(first, _likely(asks)):
        if all(test(value) for test in tests):
            yield value


def _likely(asks: Sequence[Ask]) -> Iterator[Any]:
    named = [value for ask in asks for value in ask.values]
    yield from named
    texts = [value for value in named if isinstance(value, str)][:_MOST_TEXTS]
    globs = [glob for ask in asks for glob in ask.globs]
    for filler in ("", "x", *texts):
        for glob in globs:
            yield filled(glob, filler)
    for glob in globs:  # one within another
        for other in globs:
            yield filled(glob, filled(other, ""))
    yield from _numbers([bound for ask in asks for bound in ask.bounds])
    for before, after in pairwise([*texts, *texts[:1]]):
        yield before + after
        yield f"{before} {after}"
    if texts:
        yield " ".join(texts)
        yield texts
    yield from _ANYTHING


def _numbers(bounds: list[float]) -> Iterator[float]:
    """On the bounds, a little and least beyond them, and between each two."""
    edges = sorted(set(bounds))
    for bound in edges:
        yield whole(bound)
        yield whole(math.floor(bound) + 1)
        yield whole(math.ceil(bound) - 1)
    for low, high in pairwise(edges):
        yield whole(low / 2 + high / 2)
    for bound in edges:
        yield math.nextafter(bound, math.inf)
        yield math.nextafter(bound, -math.inf)


def whole(number: float) -> float:
    """As a person would write it: 5 for 5.0."""
    return int(number) if number == int(number) else number

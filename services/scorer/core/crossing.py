"""The next instant at which time alone moves a lead, or takes a score across a threshold: exact to
the millisecond.

Spans of time in which the bounds of the scores (bounds.py) rule a change out are passed over;
others are cut where a window or line ends, or halved, down to one millisecond, where the very
comparison that decides a move is made. The bounds' error shrinks with the square of a span, so
that few spans are looked at even where a score only just touches a threshold. Where all that is
left of a score's changes is as small as rounding errors, the ends of the span stand for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from services.scorer.core.bounds import Scores, settled_ms
from services.scorer.core.by_time import advance_scores, next_flip_ms
from services.scorer.core.combined import Models, shown_at
from services.scorer.core.compiled import Ruleset
from services.scorer.core.falls import first_of_even, next_fall_ms, next_fall_of_any_kind_ms
from services.scorer.core.ladder import TOLERANCE, Ladder, can_rise, decide
from services.scorer.core.ranges import Range
from shared.lead_state import JourneyState, ScoreState, decode_scores, encode_scores

Reaches = Callable[[str, float], bool | None]


class Crossing(NamedTuple):
    """The first instant at which a score is on the other side of a threshold than now."""

    at_ms: int
    model: str
    threshold: float
    way: Literal["rises", "falls"]


def next_move_ms(
    ladder: Ladder, models: Models, journey: JourneyState, after_ms: int
) -> int | None:
    """The first instant later than after_ms at which `decide` moves the lead, None if never.

    At after_ms itself, which isn't before the newest entry, it must have nothing to move.
    """
    here = ladder.place.get(journey.stage, -1)
    if here < 0:
        return after_ms + 1
    rung = ladder.rungs[here]
    if not can_rise(ladder, models):
        if ladder.general:
            return next_fall_of_any_kind_ms(ladder, models, journey, after_ms)
        return next_fall_ms(rung, models, journey, after_ms)
    scores = Scores(ladder.scores, models, ladder.watched, after_ms)
    dwell_ends = max(after_ms + 1, journey.since_ms + rung.dwell_ms)

    def moves(at_ms: int) -> bool:
        return decide(ladder, models, journey, at_ms) is not None

    def could_rise(reaches: Reaches) -> bool:
        return any(
            all(reaches(name, least) is not False for name, least in enter)
            for _, enter in ladder.above[here]
        )

    def could_move(reaches: Reaches) -> bool:
        return could_rise(reaches) or any(
            reaches(name, least) is not True for name, least in rung.leave
        )

    found = first_ms(scores, moves, could_rise, after_ms + 1, dwell_ends - 1)
    if found is not None:
        return found
    end = max(settled_ms(models, after_ms), dwell_ends) + 1
    return first_ms(scores, moves, could_move, dwell_ends, end)


def next_crossing(
    ruleset: Ruleset, state: ScoreState, thresholds: Mapping[str, Sequence[float]], now_ms: int
) -> list[Crossing]:
    """When each score, as it is shown, first reaches a threshold or falls below it if no further
    event comes: in order of time; thresholds that are never crossed are left out. thresholds: by
    model · now_ms: not before the newest entry. Points that time gives and takes are counted.
    Raises KeyError for a model that the ruleset doesn't have.
    """
    wanted: dict[tuple[str, float], bool] = {
        (name, least): _is_reached(ruleset, state, name, least, now_ms)
        for name, values in thresholds.items()
        for least in values
    }
    found: list[Crossing] = []
    from_ms = now_ms
    while wanted:
        flip = next_flip_ms(state)
        flip = None if flip is None else max(flip, from_ms + 1)
        to_ms = settled_ms(state.models, from_ms) + 1 if flip is None else flip - 1
        for (name, least), before in list(wanted.items()):
            at_ms = _first_other_ms(ruleset, state, (name, least), before, from_ms + 1, to_ms)
            if at_ms is not None:
                found.append(Crossing(at_ms, name, least, "falls" if before else "rises"))
                del wanted[name, least]
        if flip is None:
            break
        # The flip's own instant is looked at with its points.
        state = decode_scores(encode_scores(state))
        advance_scores(ruleset, state, flip)
        for (name, least), before in list(wanted.items()):
            if _is_reached(ruleset, state, name, least, flip) != before:
                found.append(Crossing(flip, name, least, "falls" if before else "rises"))
                del wanted[name, least]
        from_ms = flip
    return sorted(found)


def _is_reached(ruleset: Ruleset, state: ScoreState, name: str, least: float, at_ms: int) -> bool:
    return shown_at(ruleset.scores, state.models, name, at_ms) >= least - TOLERANCE


def _first_other_ms(
    ruleset: Ruleset,
    state: ScoreState,
    threshold: tuple[str, float],
    before: bool,
    from_ms: int,
    to_ms: int,
) -> int | None:
    name, least = threshold

    def other(at_ms: int) -> bool:
        return _is_reached(ruleset, state, name, least, at_ms) != before

    def could(reaches: Reaches) -> bool:
        return reaches(name, least - TOLERANCE) is not before

    scores = Scores(ruleset.scores, state.models, (name,), from_ms)
    return first_ms(scores, other, could, from_ms, to_ms)


def first_ms(
    scores: Scores,
    holds: Callable[[int], bool],
    could: Callable[[Reaches], bool],
    from_ms: int,
    to_ms: int,
) -> int | None:
    """The first instant from from_ms to to_ms at which `holds`, None if there is none.

    could: may it hold somewhere in a span, given whether scores reach thresholds throughout, at no
    time, or (None) perhaps?
    """
    spans = [(from_ms, to_ms)] if from_ms <= to_ms else []
    while spans:
        left, right = spans.pop()
        edge = scores.edge_inside(left, right)
        span = _Span(scores, left, right, edge is None)
        if not could(span.reaches):
            continue
        if right - left < 2 or span.is_even(could):
            first = first_of_even(holds, left, right)
            if first is not None:
                return first
            continue
        middle = (left + right) // 2 + 1 if edge is None else edge
        spans += [(middle, right), (left, middle - 1)]
    return None


class _Span:
    """What is known of thresholds from left to right. unsure: one that was asked for is open, and
    its score isn't flat · close: one is open whose score is flat.
    """

    __slots__ = ("_ends", "_flat", "_ranges", "_scores", "_smooth", "close", "unsure")

    def __init__(self, scores: Scores, left: int, right: int, smooth: bool) -> None:
        self._scores, self._ends, self._smooth = scores, (left, right), smooth
        self._ranges: dict[str, Range] = {}
        self._flat: bool | None = None
        self.unsure = self.close = False

    def reaches(self, name: str, least: float) -> bool | None:
        """Is the score at least so high throughout, or at no time? None: perhaps."""
        known = self._ranges.get(name)
        if known is None:
            known = self._ranges[name] = self._scores.range(name, *self._ends, self._smooth)
        reached = known.reaches(least)
        if reached is None:
            if known.flat:
                self.close = True
                return self._flat
            self.unsure = True
        return reached

    def is_even(self, could: Callable[[Reaches], bool]) -> bool:
        """Is nothing open but scores that are flat? `could` stops asking at the first way to a
        move: with either answer for those, it asks on.
        """
        if self.close and not self.unsure:
            for self._flat in (True, False):
                could(self.reaches)
        return not self.unsure

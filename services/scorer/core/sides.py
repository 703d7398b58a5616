"""What a ladder may have beside thresholds: conditions, stages beside it, and stages set by hand.

Ladders without any of that are decided by ladder.py alone; the two questions here, where a lead
belongs at an instant and when time moves it next, ask those there.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.scorer.core.bounds import Scores, settled_ms
from services.scorer.core.crossing import Reaches, first_ms, next_move_ms
from services.scorer.core.ladder import Ladder, Side, all_hold, decide
from services.scorer.core.timed import Moment
from services.scorer.core.watching import NOTHING_WATCHED
from shared.envelope import Event
from shared.lead_state import JourneyState, ScoreState

UNLOCKED = -1
LOCKED_FOR_GOOD = 0
HELD = -2  # set by hand, without a lock: until points come or go


@dataclass(slots=True)
class _Sight:
    """All that a decision looks at."""

    ladder: Ladder
    state: ScoreState
    journey: JourneyState
    moment: Moment

    @property
    def here(self) -> int:
        return self.ladder.place.get(self.journey.stage, -1)


def place_at(
    ladder: Ladder,
    state: ScoreState,
    journey: JourneyState,
    at_ms: int,
    event: Event | None = None,
) -> int | None:
    """The place a lead belongs to at an instant, None when it stays where it is. Places beside the
    ladder follow those on it. event: the one that happens at the instant, None for time alone.
    """
    if not ladder.rich and journey.locked_ms == UNLOCKED:
        return decide(ladder, state.models, journey, at_ms)
    if _is_locked(journey, at_ms):
        return None
    if journey.locked_ms == HELD:
        return _aside(_sight(ladder, state, journey, at_ms, event))
    if not ladder.rich:
        return decide(ladder, state.models, journey, at_ms)
    return _place(_sight(ladder, state, journey, at_ms, event))


def is_settled_by_points(ladder: Ladder, journey: JourneyState) -> bool:
    """Is a lead on a ladder whose rungs ask for nothing but points? An event then moves it only by
    the points it brings, or aside: `brings_aside`. Who was led back to a rung may be above it by
    points that came before.
    """
    if journey.locked_ms != UNLOCKED or ladder.conditioned:
        return False
    if not ladder.sides:
        return True
    here = ladder.place.get(journey.stage, -1)
    return 0 <= here < len(ladder.rungs) and here not in ladder.returns


def brings_aside(ladder: Ladder, state: ScoreState, stage: str, event: Event, at_ms: int) -> bool:
    """Does an event bring a lead on a stage of the ladder to one beside it?"""
    sides = ladder.sides_by(event.type)
    if not sides:
        return False
    moment = Moment(event, state.traits, state.watch or NOTHING_WATCHED, at_ms)
    return any(_enters(side, moment, stage) for side in sides)


def next_turn_ms(ladder: Ladder, state: ScoreState, after_ms: int) -> int | None:
    """The first instant later than after_ms at which a condition of a stage may turn by time."""
    if state.watch is None:
        return None
    first: int | None = None
    for turn in ladder.turns:
        at_ms = turn(state.watch)
        if at_ms is not None and at_ms > after_ms and (first is None or at_ms < first):
            first = at_ms
    return first


def _is_locked(journey: JourneyState, at_ms: int) -> bool:
    return journey.locked_ms == LOCKED_FOR_GOOD or at_ms < journey.locked_ms


def _sight(
    ladder: Ladder, state: ScoreState, journey: JourneyState, at_ms: int, event: Event | None
) -> _Sight:
    watch = state.watch if state.watch is not None else NOTHING_WATCHED
    return _Sight(ladder, state, journey, Moment(event, state.traits, watch, at_ms))


def _place(sight: _Sight) -> int | None:
    ladder, here, count = sight.ladder, sight.here, len(sight.ladder.rungs)
    beside = here - count  # negative on the ladder
    for number, side in enumerate(ladder.sides):
        if number == beside:
            if not _ends(side, sight):
                return None  # only one that comes earlier takes a lead from this one
        elif _enters(side, sight.moment, sight.journey.stage):
            return count + number
    if beside >= 0:
        return _back(sight, ladder.sides[beside])
    risen = _risen(sight, here)
    if risen is not None:
        return risen
    return _fallen(sight, here)


def _aside(sight: _Sight) -> int | None:
    """The stage beside the ladder that this very event brings the lead to."""
    count = len(sight.ladder.rungs)
    for number, side in enumerate(sight.ladder.sides):
        if (
            side.on is not None
            and count + number != sight.here
            and _enters(side, sight.moment, sight.journey.stage)
        ):
            return count + number
    return None


def _enters(side: Side, moment: Moment, stage: str) -> bool:
    if side.come_from is not None and stage not in side.come_from:
        return False
    if side.on is not None:
        event = moment.event
        if event is None or not side.on(event.type):
            return False
        if side.event_check is not None and not side.event_check(event, moment.traits):
            return False
    return side.when is None or side.when(moment)


def _ends(side: Side, sight: _Sight) -> bool:
    moment = sight.moment
    if side.on is None and side.when is not None:
        if side.when(moment):
            return False  # what brought the lead here goes on
        if not side.can_end:
            return True
    if side.leave_after_ms and moment.at_ms - sight.journey.since_ms >= side.leave_after_ms:
        return True
    if side.leave_on is not None and moment.event is not None and side.leave_on(moment.event.type):
        return True
    return side.leave_when is not None and side.leave_when(moment)


def _back(sight: _Sight, side: Side) -> int:
    if side.back_to >= 0:
        return side.back_to
    risen = _risen(sight, -1)
    return 0 if risen is None else risen


def _risen(sight: _Sight, here: int) -> int | None:
    """The highest place above that may be entered. here: -1 for somebody who comes back."""
    ladder, models, at_ms = sight.ladder, sight.state.models, sight.moment.at_ms
    for place, enter in ladder.above[here]:
        if _is_open(sight, place, here) and all_hold(models, enter, at_ms, ladder.scores):
            return place
    return None


def _is_open(sight: _Sight, place: int, here: int) -> bool:
    rung = sight.ladder.rungs[place]
    if here >= 0 and rung.come_from is not None and sight.journey.stage not in rung.come_from:
        return False
    return rung.when is None or rung.when(sight.moment)


def _fallen(sight: _Sight, here: int) -> int | None:
    if here <= 0:
        return 0 if here < 0 else None
    ladder, models, at_ms = sight.ladder, sight.state.models, sight.moment.at_ms
    rungs = ladder.rungs
    if at_ms - sight.journey.since_ms < rungs[here].dwell_ms or all_hold(
        models, rungs[here].leave, at_ms, ladder.scores
    ):
        return None
    for below in range(here - 1, 0, -1):
        if all_hold(models, rungs[below].leave, at_ms, ladder.scores):
            return below
    return 0


def next_change_ms(
    ladder: Ladder,
    state: ScoreState,
    journey: JourneyState,
    after_ms: int,
    until_ms: int | None = None,
) -> int | None:
    """The first instant later than after_ms at which time alone moves the lead, None if never.
    until_ms: what comes later need not be found.
    """
    locked_ms = journey.locked_ms
    if not ladder.rich and locked_ms == UNLOCKED:
        return next_move_ms(ladder, state.models, journey, after_ms)
    if locked_ms in {LOCKED_FOR_GOOD, HELD}:
        return None
    first_ms = max(after_ms + 1, locked_ms)
    if not ladder.rich:
        if decide(ladder, state.models, journey, first_ms) is not None:
            return first_ms
        return next_move_ms(ladder, state.models, journey, first_ms)
    edges = _edges(ladder, state, journey, first_ms)
    if not ladder.conditioned:
        return _first_of_edges(ladder, state, journey, edges)
    end_ms = max(settled_ms(state.models, first_ms), edges[-1]) + 1
    # Between two edges no condition turns: only scores can move the lead there.
    for left, following in zip(edges, [*edges[1:], end_ms + 1], strict=True):
        if until_ms is not None and until_ms < left:
            return None
        last_ms = following - 1 if until_ms is None else min(following - 1, until_ms)
        found = _first_within(ladder, state, journey, left, last_ms)
        if found is not None:
            return found
    return None


def _first_of_edges(
    ladder: Ladder, state: ScoreState, journey: JourneyState, edges: list[int]
) -> int | None:
    """Where rungs ask for nothing but points: conditions turn at edges alone, and the first of
    those is the first instant that may be.
    """
    by_points: int | None = None
    if ladder.place.get(journey.stage, -1) < len(ladder.rungs):
        by_points = edges[0]
        if decide(ladder, state.models, journey, edges[0]) is None:
            by_points = next_move_ms(ladder, state.models, journey, edges[0])
    for edge in edges:
        if by_points is not None and edge >= by_points:
            break
        if _place(_sight(ladder, state, journey, edge, None)) is not None:
            return edge
    return by_points


def _edges(ladder: Ladder, state: ScoreState, journey: JourneyState, first_ms: int) -> list[int]:
    here, count = ladder.place.get(journey.stage, -1), len(ladder.rungs)
    edges = {first_ms}
    if 0 <= here < count:
        edges.add(journey.since_ms + ladder.rungs[here].dwell_ms)
    elif here >= count:
        edges.add(journey.since_ms + ladder.sides[here - count].leave_after_ms)
    if state.watch is not None:
        turns = (turn(state.watch) for turn in ladder.turns)
        edges.update(turn for turn in turns if turn is not None)
    return sorted(edge for edge in edges if edge >= first_ms)


def _first_within(
    ladder: Ladder, state: ScoreState, journey: JourneyState, from_ms: int, to_ms: int
) -> int | None:
    """The first move by scores, while every condition stays as it is at from_ms."""
    sight = _sight(ladder, state, journey, from_ms, None)
    if _place(sight) is not None:
        return from_ms
    here = sight.here
    if here >= len(ladder.rungs):
        return None  # beside the ladder scores decide nothing
    rung = ladder.rungs[here]
    falling = rung.leave if from_ms - journey.since_ms >= rung.dwell_ms else ()
    rising = [enter for place, enter in ladder.above[here] if _is_open(sight, place, here)]

    def moves(at_ms: int) -> bool:
        return _place(_sight(ladder, state, journey, at_ms, None)) is not None

    def could_move(reaches: Reaches) -> bool:
        return any(reaches(name, least) is not True for name, least in falling) or any(
            all(reaches(name, least) is not False for name, least in enter) for enter in rising
        )

    scores = Scores(ladder.scores, state.models, ladder.watched, from_ms)
    return first_ms(scores, moves, could_move, from_ms + 1, to_ms)

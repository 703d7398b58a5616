"""The next instant of a move by time, against a walk over every millisecond."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.scorer.core.compile_ladder import compile_ladder
from services.scorer.core.crossing import next_move_ms
from services.scorer.core.ladder import decide
from shared.lead_state import JourneyState, ModelState, Sum
from shared.ruleset.document import Stage
from tests.unit.scorer.effort import examples

WALK_MS = 4000
# Half-lives of some milliseconds, so that whole fates fit into a walk.
amounts = st.one_of(st.integers(-90, 90).map(float), st.floats(-90, 90))
sums = st.dictionaries(
    st.sampled_from([0, 13, 20, 100, 101, 350]),
    st.builds(Sum, st.integers(0, 40), amounts),
    min_size=1,
    max_size=4,
)
quick = examples(40)


ladder = compile_ladder(
    "main",
    [
        Stage(name="a"),
        Stage(name="b", enter={"x": 10.0}, leave={"x": 5.0}),
        Stage(name="c", enter={"x": 20.0, "y": 10.0}, leave={"x": 15.0, "y": 5.0}, dwell="2s"),
        Stage(name="d", enter={"x": 40.0}, leave={"x": 30.0}),
        Stage(name="e", enter={"y": 50.0}),
    ],
    ("x", "y"),
)


@quick
@given(x=sums, y=sums, stage=st.sampled_from("abcde"), since=st.integers(0, 50))
def test_the_next_move_is_the_first_that_a_walk_meets(
    x: dict[int, Sum], y: dict[int, Sum], stage: str, since: int
) -> None:
    """Falls, dwell that ends, and rises as negative points fade: no move missed or invented."""
    models = {"x": ModelState(x, {}, {}), "y": ModelState(y, {}, {})}
    journey = JourneyState("main", stage, since, 50)
    to = decide(ladder, models, journey, 50)
    if to is not None:
        journey.stage, journey.since_ms = ladder.rungs[to].name, 50
    assert decide(ladder, models, journey, 50) is None
    walk = range(51, 50 + WALK_MS)
    first = next((at for at in walk if decide(ladder, models, journey, at) is not None), None)
    found = next_move_ms(ladder, models, journey, 50)
    assert (found if found is not None and found < 50 + WALK_MS else None) == first


def test_a_lead_without_points_never_moves() -> None:
    """No points, no leave thresholds broken: nothing is due, ever."""
    assert next_move_ms(ladder, {}, JourneyState("main", "a", 0, 0), 0) is None


def test_a_stage_of_an_older_ladder_is_left_at_once() -> None:
    """A stage the ladder doesn't know is due the next millisecond."""
    assert next_move_ms(ladder, {}, JourneyState("main", "gone", 0, 70), 70) == 71

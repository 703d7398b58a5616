"""When scores of every kind cross thresholds, against walks over the clock."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scorer.core.bounds import Scores
from services.scorer.core.combined import Shown, compile_shown, shown_at
from services.scorer.core.compile_ladder import compile_ladder
from services.scorer.core.compiled import Ruleset
from services.scorer.core.crossing import next_crossing, next_move_ms
from services.scorer.core.fold import copied, new_state
from services.scorer.core.ladder import TOLERANCE, decide
from shared.decay import step_end
from shared.lead_state import JourneyState, ModelMore, ModelState, PartState, ScoreState, Sum
from shared.ruleset.document import Stage
from shared.ruleset.model import Model
from tests.unit.scorer.effort import examples
from tests.unit.scorer.stories import DAY, MONDAY, event, ruleset, run

SECOND = 1000
NOW = 3_000_000
FORMULAS = (
    "x - y", "x * 0.5 + min(y, 20)", "max(x, y) - min(x, y)", "x * y * 0.1", "30 - x + y / 3",
    "max(x - 10, y, 5)", "x * -1 + 2 * y",
)  # fmt: skip

values = st.one_of(st.integers(-90, 90).map(float), st.floats(-90, 90))


def model_of(sums: dict[int, float], fading: dict[tuple[str, int], list[Any]]) -> ModelState:
    """sums: by half-life, an amount as of NOW · fading: by kind and length, [(ms ago, points)]."""
    part = PartState(sums={}, windows={}, lines={})
    for (kind, length), granted in fading.items():
        steps: dict[int, float] = {}
        for ago, points in granted:
            end = step_end(NOW - ago, length)
            steps[end] = steps.get(end, 0.0) + points
        lists = part.windows if kind == "window" else part.lines
        lists[length] = sorted(steps.items())
    more = ModelMore(parts={"": part}, periods={}, raws={}) if fading else None
    return ModelState({h: Sum(NOW, amount) for h, amount in sums.items()}, {}, {}, more)


def models_within(lengths: list[int]) -> st.SearchStrategy[ModelState]:
    """States whose points fade by half-lives, windows and lines of such lengths, in ms."""
    longest = max(lengths)
    granted = st.lists(st.tuples(st.integers(0, longest), values), min_size=1, max_size=6)
    return st.builds(
        model_of,
        st.dictionaries(st.sampled_from([0, *lengths]), values, max_size=3),
        st.dictionaries(
            st.tuples(st.sampled_from(["window", "line"]), st.sampled_from(lengths)),
            granted,
            max_size=3,
        ),
    )


def shown_by(formula: str, cap: float | None, floor: float | None) -> dict[str, Shown]:
    rule = [{"id": "one", "on": "page_viewed", "points": 1}]
    models = {
        "x": {"rules": rule, "cap": cap, "floor": floor},
        "y": {"rules": rule},
        "both": {"combined": {"formula": formula}, "cap": cap},
    }
    return {name: compile_shown(name, Model.model_validate(one)) for name, one in models.items()}


def rules_of(shown: dict[str, Shown]) -> Ruleset:
    rules = ruleset("models: {x: {rules: [{id: one, on: page_viewed, points: 1}]}}")
    rules.scores.update(shown)
    return rules


shown = st.builds(
    shown_by,
    st.sampled_from(FORMULAS),
    st.sampled_from([None, 15.0, 40.0]),
    st.sampled_from([None, 0.0, -20.0]),
)


def first_in(walk: range, holds: Callable[[int], bool]) -> int | None:
    return next((at for at in walk if holds(at)), None)


def check_by_walk(
    rules: Ruleset, state: ScoreState, name: str, least: float, step: int, until: int
) -> None:
    """No crossing lies before the one that was found, and it holds there, by the millisecond."""

    def reached(at_ms: int) -> bool:
        return shown_at(rules.scores, state.models, name, at_ms) >= least - TOLERANCE

    before = reached(NOW)
    found = next_crossing(rules, state, {name: [least]}, NOW)
    first = first_in(range(NOW + step, until, step), lambda at: reached(at) != before)
    if not found:
        assert first is None
        return
    at_ms, _, _, way = found[0]
    assert way == ("falls" if before else "rises")
    assert reached(at_ms) != before
    assert first is None or at_ms <= first
    near = range(max(NOW, at_ms - 300), at_ms)
    assert all(reached(at) == before for at in near)
    assert all(reached(at) == before for at in range(NOW, min(at_ms, until), step))


@examples(60)
@given(
    x=models_within([13, 100, 300, 700]),
    y=models_within([20, 101, 350]),
    shown=shown,
    name=st.sampled_from(["x", "y", "both"]),
    least=st.integers(-30, 60).map(float),
)
def test_every_millisecond_of_a_walk_agrees(
    x: ModelState, y: ModelState, shown: dict[str, Shown], name: str, least: float
) -> None:
    """Half-lives, windows and lines of milliseconds, bounds and formulas: the whole fate."""
    state = ScoreState(models={"x": x, "y": y})
    check_by_walk(rules_of(shown), state, name, least, 1, NOW + 1500)


@examples(60)
@given(
    x=models_within([7 * SECOND, 60 * SECOND, 333 * SECOND]),
    y=models_within([20 * SECOND, 61 * SECOND, 256 * SECOND]),
    shown=shown,
    name=st.sampled_from(["x", "y", "both"]),
    least=st.one_of(st.integers(-30, 60).map(float), st.floats(-30, 60)),
)
def test_every_second_of_a_walk_agrees(
    x: ModelState, y: ModelState, shown: dict[str, Shown], name: str, least: float
) -> None:
    """The same over minutes: none is missed, none invented."""
    state = ScoreState(models={"x": x, "y": y})
    check_by_walk(rules_of(shown), state, name, least, SECOND, NOW + 1200 * SECOND)


STAGES = [
    Stage(name="a"),
    Stage(name="b", enter={"both": 10.0}, leave={"both": 5.0}),
    Stage(name="c", enter={"x": 20.0, "both": 10.0}, leave={"x": 15.0}, dwell="2s"),  # type: ignore[arg-type]
    Stage(name="d", enter={"both": 40.0, "y": 1.0}, leave={"both": 30.0, "y": -9.0}),
]


@examples(60)
@given(
    x=models_within([13, 100, 300, 900]),
    y=models_within([20, 101, 350]),
    shown=shown,
    stage=st.sampled_from("abcd"),
    since=st.integers(NOW - 2500, NOW),
)
def test_the_next_move_of_any_ladder_is_the_first_of_a_walk(
    x: ModelState, y: ModelState, shown: dict[str, Shown], stage: str, since: int
) -> None:
    """Ladders over combined and bounded scores, dwell among them: none missed, none invented."""
    ladder = compile_ladder("main", STAGES, ("x", "y", "both"), shown, general=True)
    models = {"x": x, "y": y}
    journey = JourneyState("main", stage, since, NOW)
    to = decide(ladder, models, journey, NOW)
    if to is not None:
        journey.stage, journey.since_ms = ladder.rungs[to].name, NOW
    until = NOW + 3000
    first = first_in(
        range(NOW + 1, until), lambda at: decide(ladder, models, journey, at) is not None
    )
    found = next_move_ms(ladder, models, journey, NOW)
    assert (found if found is not None and found < until else None) == first


ONLY = shown_by("x - y", None, None)


def crossing_of(x: ModelState, least: float, y: ModelState | None = None, name: str = "x") -> Any:
    models = {"x": x} if y is None else {"x": x, "y": y}
    found = next_crossing(rules_of(ONLY), ScoreState(models=models), {name: [least]}, NOW)
    return [(one.at_ms, one.way) for one in found]


def test_an_empty_state_crosses_nothing() -> None:
    """No points: above some thresholds for ever, below others."""
    assert next_crossing(rules_of(ONLY), new_state(), {"x": [-1, 0, 1], "both": [2]}, NOW) == []


def test_a_window_is_over_at_its_millisecond() -> None:
    """Loss and gain that end: falls, then rises, at the ends of steps and windows."""
    window = model_of({}, {("window", 100): [(40, 10.0), (10, -4.0)]})
    assert crossing_of(window, 0.0) == [(NOW + 60, "falls")]
    assert crossing_of(model_of({}, {("window", 100): [(10, -4.0)]}), 0.0) == [(NOW + 90, "rises")]


def test_what_lasts_for_a_moment_is_found() -> None:
    """A dip of two milliseconds between two ends, and a peak right at the start of the search."""
    dip = model_of({0: 20.0}, {("window", 100): [(88, 10.0), (86, -10.0)]})
    assert crossing_of(dip, 15.0) == [(NOW + 12, "falls")]
    peak = model_of({300: 10.0}, {("window", 100): [(98, -5.0)]})
    assert crossing_of(peak, 8.0) == [(NOW + 2, "rises")]


def test_amounts_that_cancel_cross_nothing() -> None:
    """Equal points of opposite signs stand for nothing at every instant; nor does a threshold
    that the score lies on exactly count as crossed.
    """
    half = 30 * DAY
    same = model_of({half: 50.0}, {})
    assert crossing_of(same, 0.0, same, "both") == []
    line = model_of({0: 10.0}, {("line", half): [(5, 7.0), (5, -7.0)]})
    assert crossing_of(line, 10.0) == []
    assert crossing_of(model_of({0: 1e7, half: 3.0}, {}), 1e7) == []


def counted(work: Callable[[], Any]) -> tuple[Any, int]:
    """What some work returns, and how many ranges were worked out for it."""
    calls = 0
    plain = Scores.range

    def counting(self: Scores, *arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        return plain(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Scores, "range", counting)
        return work(), calls


@pytest.mark.parametrize("beyond", [-1e-3, -1e-6, -1e-8, 1e-8, 1e-6, 1e-3])
@pytest.mark.parametrize("name", ["x", "both"])
def test_a_threshold_that_is_only_just_touched_takes_little_work(beyond: float, name: str) -> None:
    """A rise and a fall over months, whose top lies just above or below a threshold: the answer is
    right, and few spans were looked at.
    """
    slow, fast = 60 * DAY, 30 * DAY
    # 8u - 8u² with u = 2^(-t / 60d) is highest at u = 1/2, with 2.
    if name == "x":
        x, y = model_of({slow: 8.0, fast: -8.0}, {}), None
    else:
        x, y = model_of({slow: 8.0}, {}), model_of({fast: 8.0}, {})
    found, calls = counted(lambda: crossing_of(x, 2.0 + TOLERANCE - beyond, y, name))
    if beyond < 0:
        assert found == []
    else:
        ((at_ms, way),) = found
        u = 0.5 + (beyond / 8.0) ** 0.5
        assert way == "rises"
        assert at_ms - NOW == pytest.approx(-math.log2(u) * slow, abs=5000)
    assert calls < 500


def test_many_steps_of_a_window_take_little_work() -> None:
    """250 live steps with gains and losses in turn: each end may be a crossing, few are tried."""
    length = 256 * SECOND
    steps = [(n * SECOND, 10.0 if n % 3 else -15.0) for n in range(250)]
    window, line = (
        model_of({}, {("window", length): steps}),
        model_of({}, {("line", length): steps}),
    )
    for model in (window, line):
        found, calls = counted(partial(crossing_of, model, 200.0))
        assert len(found) == 1
        assert calls < 1200
        state = ScoreState(models={"x": model})
        check_by_walk(rules_of(ONLY), state, "x", 200.0, SECOND, NOW + 2 * length)


def test_points_that_time_gives_are_counted() -> None:
    """A rule on silence takes points when it is due; the state that was asked about stays."""
    rules = ruleset(
        """
models:
  e:
    decay: {half_life: 30d}
    rules:
      - {id: visit, on: page_viewed, points: 20}
      - {id: quiet, after: {quiet: 10d}, points: -15}
"""
    )
    state = run(rules, [event()]).state
    before = copied(state)
    found = next_crossing(rules, state, {"e": [10, 0, -1, 18, 25]}, MONDAY)
    assert [(one.threshold, one.way) for one in found] == [(18, "falls"), (10, "falls")]
    assert found[1].at_ms == MONDAY + 10 * DAY
    assert found[0].at_ms == pytest.approx(MONDAY + 30 * DAY * math.log2(20 / 18), abs=2)
    assert state == before

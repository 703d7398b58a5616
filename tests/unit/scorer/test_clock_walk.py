"""Walking the clock second by second finds no crossing that was missed, and none invented."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.scorer.core.by_time import advance_scores
from services.scorer.core.crossing import next_crossing
from services.scorer.core.fold import fold_scores, new_state, position
from services.scorer.slow.lead import NEARLY, Oracle
from tests.oracle.conditions_at_random import Plain
from tests.oracle.histories_at_random import START_MS, compiled, event_of, histories
from tests.oracle.rulesets_at_random import rulesets
from tests.unit.scorer.effort import examples

SECONDS = 1500
levels = st.lists(
    st.sampled_from([-2.5, 0.001, 1, 3, 7.5, 14]), min_size=1, max_size=2, unique=True
)


@examples(60)
@given(ruleset=rulesets(3), history=histories, thresholds=levels, later=st.integers(0, 90_000))
def test_the_next_crossing_is_where_the_clock_finds_it(
    ruleset: Plain, history: list[Plain], thresholds: list[float], later: int
) -> None:
    """For each score and threshold: all seconds before are on the same side, so is the ms before,
    and the ms itself is on the other; half-lives, windows, lines and silences of minutes.
    """
    core = compiled(ruleset)
    state = fold_scores(core, new_state(), sorted(map(event_of, history), key=position)).state
    now = (state.last[0] if state.last else START_MS) + (0 if later % 2 else later)
    advance_scores(core, state, now)
    oracle = Oracle(ruleset, history, now + SECONDS * 1000 * 100)
    found = next_crossing(core, state, dict.fromkeys(core.models, thresholds), now)
    assert [one.at_ms for one in found] == sorted(one.at_ms for one in found)
    by_threshold = {(one.model, one.threshold): one for one in found}
    assert len(by_threshold) == len(found)
    for model in core.models:
        for least in thresholds:
            crossing = by_threshold.get((model, least))

            def reached(ms: int, model: str = model, least: float = least) -> bool:
                return oracle.score(model, ms) >= least - NEARLY

            before = reached(now)
            end = now + SECONDS * 1000 if crossing is None else crossing.at_ms
            for ms in range(now + 1000, min(end, now + SECONDS * 1000), 1000):
                assert reached(ms) == before, f"{model} crosses {least} before {ms}"
            if crossing is not None:
                assert reached(crossing.at_ms - 1) == before
                assert reached(crossing.at_ms) != before
                assert crossing.way == ("falls" if before else "rises")

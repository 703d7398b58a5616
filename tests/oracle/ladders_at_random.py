"""Random ladders, and stages beside them, as plain YAML values."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.oracle.conditions_at_random import Plain, between_events, leaf, lengths, types


@st.composite
def ladders(
    draw: st.DrawFn,
    names: list[str],
    named: tuple[Plain, ...],
    aside: list[str],
    lowest: float,
    *,
    rich: bool,
) -> list[Plain]:
    """Stages with thresholds that rise, and a lower one to leave. rich: with conditions, too ·
    aside: names of stages beside them · lowest: no threshold to enter is lower than 1 more.
    """
    rungs: list[Plain] = [{"name": "s0"}]
    least = lowest
    for number in range(1, draw(st.integers(2, 5))):
        least += draw(st.integers(1, 6))  # at most 24: what no cap puts out of reach
        entered_by = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
        rung: Plain = {"name": f"s{number}", "enter": dict.fromkeys(entered_by, least)}
        if draw(st.integers(0, 3)):
            rung["leave"] = dict.fromkeys(entered_by, least - 0.75)
            if draw(st.booleans()):
                rung["dwell"] = draw(st.sampled_from(["30s", "10m"]))
        if draw(st.booleans()):
            rung["handoff"] = draw(st.sampled_from(["content", "sales"]))
        if rich and draw(st.integers(0, 2)) == 0:
            rung["when"] = draw(between_events(named))
        if rich and draw(st.integers(0, 3)) == 0:
            places = st.sampled_from([*(f"s{lower}" for lower in range(number)), *aside])
            rung["from"] = draw(st.lists(places, min_size=1, max_size=3, unique=True))
        rungs.append(rung)
    return rungs


@st.composite
def sides(
    draw: st.DrawFn, name: str, rungs: list[Plain], named: tuple[Plain, ...], aside: list[str]
) -> Plain:
    """A stage beside the ladder. aside: the names of all of these."""
    side: Plain = {"name": name}
    by_event = draw(st.booleans())
    if by_event:
        side["on"] = draw(types)
        if draw(st.booleans()):
            side["event_when"] = draw(leaf())
    if not by_event or draw(st.integers(0, 2)) == 0:
        side["when"] = draw(between_events(named))
    if draw(st.integers(0, 3)):
        leave: Plain = {}
        for key, strategy in (
            ("after", lengths), ("on", types), ("when", between_events(named)),
        ):  # fmt: skip
            if draw(st.booleans()):
                leave[key] = draw(strategy)
        if leave:
            side["leave"] = leave
    if draw(st.integers(0, 2)) == 0:
        side["back_to"] = draw(st.sampled_from([rung["name"] for rung in rungs]))
    if draw(st.integers(0, 2)) == 0:
        side["handoff"] = draw(st.sampled_from(["content", "sales"]))
    if draw(st.integers(0, 3)) == 0:
        others = [other for other in aside if other != name]
        places = st.sampled_from([*(rung["name"] for rung in rungs), *others])
        side["from"] = draw(st.lists(places, min_size=1, max_size=3, unique=True))
    return side


@st.composite
def journeys(draw: st.DrawFn, names: list[str], named: tuple[Plain, ...], *, fading: bool) -> Plain:
    """A ladder, plain half of the time, with up to two stages beside it. fading: points fade by
    half-lives, so that a score may come near a round number for ever; no threshold is one then.
    """
    rich = draw(st.booleans())
    aside = ["beside0", "beside1"][: draw(st.integers(0, 2)) if rich else 0]
    rungs = draw(ladders(names, named, aside, 0.137 if fading else 0, rich=rich))
    stages: Plain = {"ladder": rungs}
    if aside:
        stages["side"] = [draw(sides(name, rungs, named, aside)) for name in aside]
    return stages

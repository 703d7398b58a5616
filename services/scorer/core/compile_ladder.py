"""The stages of a journey, compiled: thresholds, conditions, and who may come from where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from services.scorer.core.combined import Shown
from services.scorer.core.conditions import compile_condition, glob_test
from services.scorer.core.consenting import Policy
from services.scorer.core.ladder import TOLERANCE, Ladder, Row, Rung, Side, Thresholds
from services.scorer.core.timed import TimedCheck, Turn
from shared.ruleset.condition import Condition
from shared.ruleset.handoff_journeys import IN
from shared.ruleset.handoffs import HandoffRow
from shared.ruleset.stages import LADDER, SideLeave, SideStage, Stage

Compiled = Callable[[Condition], tuple[TimedCheck, tuple[Turn, ...]]]


def compile_ladder(
    name: str,
    stages: list[Stage],
    models: tuple[str, ...],
    scores: Mapping[str, Shown] | None = None,
    *,
    general: bool = False,
    sides: Sequence[SideStage] = (),
    begins_when: Condition | None = None,
    compiled: Compiled | None = None,
    consent: Policy | None = None,
    rows: Sequence[HandoffRow] = (),
    told: str | None = None,
) -> Ladder:
    """models: every model of the ruleset, whose values a change tells · compiled: makes a function
    of a condition, and tells the instants at which it may turn · rows: of the hand-off table, those
    that look at these stages · told: the only stage whose entering is a change, None for all.
    """
    turns: list[Turn] = []

    def check(condition: Condition | None) -> TimedCheck | None:
        if condition is None or compiled is None:
            return None
        made, its_turns = compiled(condition)
        turns.extend(its_turns)
        return made

    rungs = tuple(
        Rung(
            name=stage.name,
            enter=_thresholds(stage.enter),
            leave=_thresholds(stage.leave),
            dwell_ms=stage.dwell or 0,
            handoff=stage.handoff,
            when=check(stage.when),
            come_from=None if stage.from_ is None else frozenset(stage.from_),
        )
        for stage in stages
    )
    place = {rung.name: at for at, rung in enumerate(rungs)}
    beside = tuple(_side(side, place, check) for side in sides)
    place |= {side.name: at for at, side in enumerate(beside, len(rungs))}
    conditioned = any(rung.when is not None or rung.come_from is not None for rung in rungs)
    above = _above(rungs)
    return Ladder(
        name=name,
        rungs=rungs,
        place=place,
        above=above,
        nearest={here: _nearest(entered) for here, entered in above.items()},
        watched=tuple(sorted({model for rung in rungs for model, _ in (*rung.enter, *rung.leave)})),
        models=models,
        scores=scores,
        general=general,
        sides=beside,
        turns=tuple(turns),
        begins=check(begins_when),
        conditioned=conditioned,
        returns=frozenset(side.back_to for side in beside if side.back_to >= 0),
        rich=bool(beside) or conditioned,
        consent=consent,
        rows=_rows(rows, place, compiled),
        told=None if told is None else place[told],
    )


def _rows(
    rows: Sequence[HandoffRow], place: Mapping[str, int], compiled: Compiled | None
) -> dict[int, tuple[Row, ...]]:
    """By place. A row's condition is read when the place is entered: it moves nobody by itself."""
    found: dict[int, list[Row]] = {}
    for row in rows:
        # The stages of a row's own journey ask for its condition themselves.
        when = None if row.stage is None or row.when is None or compiled is None else row.when
        check = None if when is None or compiled is None else compiled(when)[0]
        for stage in row.stage or [IN]:
            made = Row(row.id, check, row.do.handoff)
            found.setdefault(place[stage], []).append(made)
    return {at: tuple(there) for at, there in found.items()}


def _side(
    side: SideStage,
    place: Mapping[str, int],
    check: Callable[[Condition | None], TimedCheck | None],
) -> Side:
    leave = side.leave or SideLeave()
    return Side(
        name=side.name,
        handoff=side.handoff,
        on=_types(side.on),
        event_check=None if side.event_when is None else compile_condition(side.event_when),
        when=check(side.when),
        can_end=side.leave is not None,
        leave_after_ms=leave.after or 0,
        leave_on=_types(leave.on),
        leave_when=check(leave.when),
        back_to=-1 if side.back_to == LADDER else place[side.back_to],
        woken=_types(_ending_silence(side.when)),
        come_from=None if side.from_ is None else frozenset(side.from_),
    )


def _ending_silence(condition: Condition | None) -> list[str] | None:
    """The types of events that end a silence which a condition can't do without."""
    if condition is None:
        return None
    if condition.quiet is not None and condition.quiet.when is None:
        return list(condition.quiet.on or ["*"])
    found = [_ending_silence(part) for part in condition.all_ or ()]
    return [name for names in found if names is not None for name in names] or None


def _types(names: Sequence[str] | None) -> Callable[[str], bool] | None:
    if names is None:
        return None
    if not any("*" in name for name in names):
        return frozenset(names).__contains__
    tests = [glob_test(name) for name in names]
    return lambda event_type: any(test(event_type) for test in tests)


def _above(rungs: tuple[Rung, ...]) -> dict[int, tuple[tuple[int, Thresholds], ...]]:
    return {
        here: tuple(
            (place, rungs[place].enter) for place in range(len(rungs) - 1, max(here, 0), -1)
        )
        for here in range(-1, len(rungs))
    }


def _nearest(above: tuple[tuple[int, Thresholds], ...]) -> dict[str, float]:
    nearest: dict[str, float] = {}
    for _, enter in above:
        for model, least in enter:
            nearest[model] = min(least, nearest.get(model, least))
    return nearest


def _thresholds(values: Mapping[str, float] | None) -> Thresholds:
    return tuple((model, float(least) - TOLERANCE) for model, least in (values or {}).items())

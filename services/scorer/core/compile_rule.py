"""One rule of a model, compiled."""

from __future__ import annotations

from collections.abc import Mapping

from services.scorer.core.compiled import ENDLESS, FOREVER, Bound, Rule
from services.scorer.core.conditions import compile_condition, getter
from services.scorer.core.points import compile_points
from services.scorer.core.timed import (
    Tallies,
    compile_timed,
    split,
)
from shared.decay import Kind
from shared.ledger import Entry
from shared.ruleset.document import MAX_DISTINCT_VALUES, Condition, Limit, Model
from shared.ruleset.document import Rule as RuleDocument
from shared.ruleset.expressions import traits_in
from shared.ruleset.model import CapPeriod, PointsFrom

_HOUR = 3_600_000
_DAY = 24 * _HOUR

# Length and offset in ms. Weeks begin on Monday, and 1970 began on a Thursday.
_PERIODS = {
    "hour": (_HOUR, 0),
    "day": (_DAY, 0),
    "week": (7 * _DAY, 3 * _DAY),
    "month": (0, 0),
    "ever": (1 << 62, 1 << 61),
}


def compile_rule(
    rule: RuleDocument,
    when: Condition | None,
    model_name: str,
    model: Model,
    order: int,
    number: int,
    tallies: Tallies,
) -> Rule:
    kind, length = fading_of(model, rule)
    limit = rule.limit
    period_ms, offset_ms = _PERIODS[limit.per if limit is not None else "ever"]
    plain, timed = (None, None) if when is None else split(when)
    timed_check, turns = (None, ()) if timed is None else compile_timed(timed, tallies)
    group = model.groups.get(rule.group) if rule.group is not None else None
    bounds = _bounds(rule.group or "", group.cap_per if group is not None else None)
    group_bounds = len(bounds)
    bounds += _bounds("", model.cap_per)
    capped = group is not None and group.cap is not None
    varied = isinstance(rule.points, PointsFrom)
    valid = rule.valid
    after = rule.after
    simple = model.floor is None and not (
        bounds or capped or varied or kind != "half_life" or valid is not None or after is not None
    )
    points = 0.0 if isinstance(rule.points, PointsFrom) else rule.points
    return Rule(
        order=order,
        number=number,
        name=f"{model_name}/{rule.id}",
        model=model_name,
        points=points,
        half_life=length,
        cap=ENDLESS if model.cap is None else float(model.cap),
        check=None if plain is None else compile_condition(plain),
        condition=plain,
        on=tuple(rule.on or ()),
        period_ms=period_ms,
        period_offset_ms=offset_ms,
        most=_most(limit),
        value_of=getter(limit.once_per) if limit is not None and limit.once_per else None,
        on_trait=rule.holds,
        document=rule,
        when=when,
        kind=kind,
        timed=timed_check,
        turns=turns,
        simple=simple,
        points_of=compile_points(rule.points) if isinstance(rule.points, PointsFrom) else None,
        part=rule.group or "" if capped else "",
        group_cap=ENDLESS if group is None or group.cap is None else float(group.cap),
        bounds=bounds,
        group_bounds=group_bounds,
        floor=-ENDLESS if model.floor is None else float(model.floor),
        valid_from=-FOREVER if valid is None or valid.from_ is None else valid.from_,
        valid_to=FOREVER if valid is None or valid.to is None else valid.to,
        silence_ms=0 if after is None else after.quiet,
        silence_tally=-1 if after is None else tallies.tally(after.on, None).place,
        effort=rule.effort,
        beyond=Entry(number, 0.0, points, "limit") if simple and limit is not None else None,
    )


def fading_of(model: Model, rule: RuleDocument) -> tuple[Kind, int]:
    """How a rule's points fade, and how long that takes in ms: 0 where they don't."""
    decay = rule.decay if rule.decay is not None else model.decay
    if rule.holds:
        return "half_life", 0
    if decay.window is not None:
        return "window", decay.window
    if decay.linear is not None:
        return "linear", decay.linear.to_zero_in
    return "half_life", decay.half_life or 0


def _bounds(group: str, cap_per: Mapping[CapPeriod, float] | None) -> tuple[Bound, ...]:
    word = "group cap per" if group else "cap per"
    return tuple(
        Bound(f"{group}/{period}", *_PERIODS[period], float(most), f"{word} {period}")
        for period, most in (cap_per or {}).items()
    )


def _most(limit: Limit | None) -> int:
    if limit is None:
        return 0
    if limit.once_per is None:
        return limit.times or 1
    return min(limit.times or MAX_DISTINCT_VALUES, MAX_DISTINCT_VALUES)


def traits_of(rule: RuleDocument, when: Condition | None) -> set[str]:
    paths = [rule.limit.once_per if rule.limit is not None else None]
    if isinstance(rule.points, PointsFrom):
        paths += [rule.points.field, rule.points.table]
    read = {path.split(".")[1] for path in paths if path and path.startswith("traits.")}
    return read | (traits_read(when) if when is not None else set())


def traits_read(condition: Condition) -> set[str]:
    names: set[str] = set()
    for _, part in condition.parts:
        names |= traits_read(part)
    for counted in (condition.count, condition.since, condition.quiet, condition.seen):
        if counted is not None and counted.when is not None:
            names |= traits_read(counted.when)
    for step in condition.sequence.steps if condition.sequence is not None else ():
        if step.when is not None:
            names |= traits_read(step.when)
    if condition.cel is not None:
        names |= traits_in(condition.cel)
    if condition.field is not None and condition.field.startswith("traits."):
        names.add(condition.field.split(".")[1])
    return names

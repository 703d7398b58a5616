"""Rules in plain English: one sentence each."""

from __future__ import annotations

from shared.ruleset.condition_words import (
    condition_words,
    counted,
    duration_words,
    field_words,
    listed,
    number_words,
    quiet_words,
    types_words,
)
from shared.ruleset.model import AnyPoints, Decay, Limit, Model, PointsFrom, Rule, Valid
from shared.ruleset.part import MAX_POINTS

_PERIODS = {"hour": "an hour", "day": "a day", "week": "a week", "month": "a month"}
_TIMES = {1: "once", 2: "twice"}


def rule_sentence(name: str, model: Model, rule: Rule) -> str:
    """What a rule does, by whom it is bounded, and how its points fade. name: of the model."""
    parts = [f"{_occasion(rule)}: {points_words(rule.points)} for {name}"]
    if rule.limit is not None:
        parts.append(limit_words(rule.limit))
    if rule.valid is not None:
        parts.append(valid_words(rule.valid))
    parts.append(_bounds(rule, model))
    return ", ".join(filter(None, parts)) + _fading(rule, model) + "."


def points_words(points: AnyPoints) -> str:
    """15 points, or where they come from."""
    if not isinstance(points, PointsFrom):
        return number_words(points) + (" point" if abs(points) == 1 else " points")
    rest = f", {number_words(points.default)} without it" if points.default else ""
    if points.table is not None:
        values = listed([f"{number_words(p)} for {t}" for t, p in (points.values or {}).items()])
        return f"points by {field_words(points.table)} ({values}{rest})"
    times = "" if points.times == 1 else f"{number_words(points.times)} times "
    least = "" if points.min == -MAX_POINTS else f", at least {number_words(points.min)}"
    most = "" if points.max == MAX_POINTS else f", at most {number_words(points.max)}"
    return f"{times}{field_words(points.field or '')} in points{least}{most}{rest}"


def limit_words(limit: Limit) -> str:
    """At most twice a day."""
    per = _PERIODS.get(limit.per, "")
    if limit.once_per is None:
        times = limit.times or 1
        return f"{_often(times)} {per}".strip() if per else f"only {_often(times)} ever"
    each = f"once {per} for each value of {field_words(limit.once_per)}".replace("  ", " ")
    return each if limit.times is None else f"{each}, at most {limit.times} values"


def _often(times: int) -> str:
    words = _TIMES.get(times, counted(times, "time"))
    return words if times == 1 else f"at most {words}"


def decay_words(decay: Decay) -> str:
    """How points fade."""
    if decay.half_life is not None:
        return f"they halve every {duration_words(decay.half_life)}"
    if decay.linear is not None:
        return f"they fade evenly to nothing in {duration_words(decay.linear.to_zero_in)}"
    if decay.window is not None:
        return f"they are gone after {duration_words(decay.window)}"
    return "they don't fade"


def valid_words(valid: Valid) -> str:
    """From and until when."""
    from shared.envelope import rfc3339

    begin = "" if valid.from_ is None else f"from {rfc3339(valid.from_)[:16]}"
    end = "" if valid.to is None else f"until {rfc3339(valid.to)[:16]}"
    return " ".join(filter(None, (begin, end))) + " UTC"


def _occasion(rule: Rule) -> str:
    condition = condition_words(rule.when) if rule.when is not None else ""
    if rule.after is not None:
        quiet = f"{duration_words(rule.after.quiet)} without {quiet_words(rule.after.on)}"
        return f"After {quiet}" + (f", if {condition}" if condition else "")
    if rule.on is None:
        return f"While {condition}"
    return f"At {types_words(rule.on)}" + (f" where {condition}" if condition else "")


def _bounds(rule: Rule, model: Model) -> str:
    group = model.groups.get(rule.group or "")
    if group is None:
        return ""
    caps = [f"{number_words(group.cap)} in all"] if group.cap is not None else []
    caps += [f"{number_words(n)} {_PERIODS[per]}" for per, n in (group.cap_per or {}).items()]
    bounds = f" ({' and '.join(caps)} at most)" if caps else ""
    return f"within the group {group.title or rule.group}{bounds}"


def _fading(rule: Rule, model: Model) -> str:
    if rule.holds:
        return "; taken back when that ends"
    return "; " + decay_words(rule.decay if rule.decay is not None else model.decay)

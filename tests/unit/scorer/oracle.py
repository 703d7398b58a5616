"""A slow, obvious second opinion on scoring: from the whole list of events, with nothing kept.

It reads the ruleset as plain YAML values, holds every entry for ever and adds them all up whenever
a score is asked for. It shares no code with services/scorer/core: not formulas, not conditions.
"""

from __future__ import annotations

import fnmatch
import re
from datetime import UTC, datetime
from typing import Any

NEARLY = 1e-9
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def in_ms(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1]] * 1000


class Oracle:
    """Scores of one lead. events: dicts with id, source, type, ms, properties, traits, context,
    identifiers, bot; in any order, with duplicates."""

    def __init__(self, ruleset: dict[str, Any], events: list[dict[str, Any]]) -> None:
        self.ruleset = ruleset
        self.granted: list[dict[str, Any]] = []
        self.passed: list[dict[str, Any]] = []
        once = {(event["source"], event["id"]): event for event in events}
        line = sorted(once.values(), key=lambda e: (e["ms"], e["source"], e["id"]))
        self.line = line
        traits: dict[str, Any] = {}
        held: dict[str, float] = {}
        for event in line:
            if event["bot"]:
                continue
            before = dict(traits)
            for name, value in event["traits"].items():
                if value is None:
                    traits.pop(name, None)
                else:
                    traits[name] = value
            self._one_event(event, dict(traits), before != traits, held)

    def _one_event(
        self, event: dict[str, Any], traits: dict[str, Any], turned: bool, held: dict[str, float]
    ) -> None:
        for model_name, model in self.ruleset["models"].items():
            for rule in model["rules"]:
                name = f"{model_name}/{rule['id']}"
                if "on" not in rule:
                    if turned:
                        self._trait_rule(name, model_name, model, rule, event, traits, held)
                    continue
                if not self._type_matches(rule["on"], event["type"]):
                    continue
                if "when" in rule and not holds(rule["when"], event, traits):
                    continue
                if self._limit_reached(name, rule, event, traits):
                    continue
                self._grant(name, model_name, model, rule, event, decays=True)

    def _trait_rule(self, name, model_name, model, rule, event, traits, held) -> None:
        now = holds(rule["when"], event, traits)
        if now and name not in held:
            held[name] = self._grant(name, model_name, model, rule, event, decays=False)
        elif not now and name in held:
            points = held.pop(name)
            if points:
                self._note(name, model_name, event, -points, None)

    def _grant(self, name, model_name, model, rule, event, *, decays: bool) -> float:
        points = float(rule["points"])
        cap = model.get("cap")
        if cap is not None and points > 0:
            points = min(points, cap - self.score(model_name, event["ms"]))
            if points < NEARLY:
                return 0.0
        decay = rule.get("decay", model.get("decay", "none"))
        half_life = None if decay == "none" or not decays else in_ms(decay["half_life"])
        self._note(name, model_name, event, points, half_life)
        return points

    def _note(self, name, model_name, event, points, half_life) -> None:
        self.granted.append(
            {"rule": name, "model": model_name, "points": points, "half_life": half_life,
             "ms": event["ms"], "event": (event["source"], event["id"])}
        )  # fmt: skip

    def _type_matches(self, on: str | list[str], event_type: str) -> bool:
        names = on if isinstance(on, list) else [on]
        return any(fnmatch.fnmatchcase(event_type, name) for name in names)

    def _limit_reached(self, name, rule, event, traits) -> bool:
        limit = rule.get("limit")
        if limit is None:
            return False
        if limit == "once":
            limit = {"times": 1}
        period = self._period(limit.get("per", "ever"), event["ms"])
        earlier = [one for one in self.passed if one["rule"] == name and one["period"] == period]
        mark = {"rule": name, "period": period}
        if "once_per" in limit:
            value = read(limit["once_per"], event, traits)
            mark["value"] = (type(value).__name__, repr(value))
            if any(one["value"] == mark["value"] for one in earlier):
                return True
            if len(earlier) >= min(limit.get("times", 200), 200):
                return True
        elif len(earlier) >= limit["times"]:
            return True
        self.passed.append(mark)
        return False

    def _period(self, per: str, ms: int) -> str:
        at = datetime.fromtimestamp(ms // 1000, UTC)
        return {
            "ever": "ever",
            "hour": at.strftime("%Y-%m-%d %H"),
            "day": at.strftime("%Y-%m-%d"),
            "week": at.strftime("%G week %V"),
            "month": at.strftime("%Y-%m"),
        }[per]

    def score(self, model: str, ms: int) -> float:
        """Every entry of the model up to an instant, each decayed to it."""
        total = 0.0
        for entry in self.granted:
            if entry["model"] == model and entry["ms"] <= ms:
                age = ms - entry["ms"]
                fade = 1.0 if entry["half_life"] is None else 0.5 ** (age / entry["half_life"])
                total += entry["points"] * fade
        return total

    def stage_after(self, stage: str, since_ms: int, ms: int) -> str:
        """Where a lead that stands in a stage since an instant belongs at another."""
        ladder = self.ruleset["stages"]["ladder"]
        names = [rung["name"] for rung in ladder]
        here = names.index(stage)
        for rung in reversed(ladder[here + 1 :]):
            if self._reached(rung["enter"], ms):
                return str(rung["name"])
        dwell = in_ms(ladder[here].get("dwell", "0s"))
        if self._reached(ladder[here].get("leave", {}), ms) or ms - since_ms < dwell:
            return stage
        for rung in reversed(ladder[:here]):
            if self._reached(rung.get("leave", {}), ms):
                return str(rung["name"])
        return names[0]

    def _reached(self, thresholds: dict[str, float], ms: int) -> bool:
        return all(self.score(name, ms) >= least - NEARLY for name, least in thresholds.items())


def read(path: str, event: dict[str, Any], traits: dict[str, Any]) -> Any:
    value: Any = {**event, "traits": traits}
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def holds(condition: dict[str, Any], event: dict[str, Any], traits: dict[str, Any]) -> bool:
    if "all" in condition:
        return all(holds(part, event, traits) for part in condition["all"])
    if "any" in condition:
        return any(holds(part, event, traits) for part in condition["any"])
    if "not" in condition:
        return not holds(condition["not"], event, traits)
    value = read(condition["field"], event, traits)
    fold = condition.get("ignore_case", False)
    answers = [
        _asked(operator, operand, value, fold)
        for operator, operand in condition.items()
        if operator not in ("field", "ignore_case")
    ]
    return all(answers)


def _asked(operator: str, operand: Any, value: Any, fold: bool) -> bool:
    if operator == "exists":
        return (value is not None) == operand
    if value is None:
        return False
    if operator in ("gt", "gte", "lt", "lte"):
        return _compared(operator, operand, value)
    low = _low if fold else (lambda x: x)
    if operator == "eq":
        return _same(low(value), low(operand))
    if operator == "ne":
        return not _same(low(value), low(operand))
    if operator == "in":
        return any(_same(low(value), low(one)) for one in operand)
    wanted = [low(one) for one in (operand if isinstance(operand, list) else [operand])]
    if operator == "contains":
        held = [low(one) for one in value] if isinstance(value, list) else low(value)
        return isinstance(held, str | list) and any(one in held for one in wanted)
    if not isinstance(value, str):
        return False
    if operator == "glob":
        return any(fnmatch.fnmatchcase(low(value), one) for one in wanted)
    assert operator == "matches"
    return any(re.search(one, low(value)) for one in wanted)


def _low(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right)


def _compared(operator: str, bound: float, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    try:
        number = float(value)
    except ValueError:
        return False
    return {
        "gt": number > bound, "gte": number >= bound,
        "lt": number < bound, "lte": number <= bound,
    }[operator]  # fmt: skip

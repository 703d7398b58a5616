"""Checks of score models: rules, groups, bounds, combined scores, grades and bands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shared.ruleset.condition_checks import (
    Fault,
    Names,
    Place,
    condition_faults,
    path_faults,
    trait_faults,
)
from shared.ruleset.fields import did_you_mean
from shared.ruleset.formula import FormulaError, models_in, parse
from shared.ruleset.model import Band, Combined, Grade, Model, PointsFrom, Rule
from shared.ruleset.wording import fields_in
from shared.ruleset.yaml_tree import Path

_NO_RULES = ("decay", "cap_per", "groups", "rules")


def model_faults(
    path: Path, model: Model, models: Mapping[str, Model], names: Names
) -> Iterator[Fault]:
    """What is wrong with one model of these."""
    if model.cap is not None and model.floor is not None and model.floor >= model.cap:
        yield Fault((*path, "floor"), "the floor isn't below the cap", "lower it")
    if model.combined is not None:
        for key in _NO_RULES:
            if key in model.model_fields_set:
                yield Fault((*path, key), "a combined score is read off others", f"drop {key}")
        yield from _combined_faults((*path, "combined"), model.combined, models)
    seen: set[str] = set()
    for number, rule in enumerate(model.rules):
        here = (*path, "rules", number)
        if rule.id in seen:
            yield Fault((*here, "id"), f"{rule.id} is used twice", "give each rule its own id")
        seen.add(rule.id)
        if rule.group is not None and rule.group not in model.groups:
            known = list(model.groups)
            remedy = did_you_mean(rule.group, known) or f"groups: {', '.join(known) or 'none'}"
            yield Fault((*here, "group"), f"there is no group {rule.group}", remedy)
        yield from _rule_faults(here, rule, names)


def _combined_faults(
    path: Path, combined: Combined, models: Mapping[str, Model]
) -> Iterator[Fault]:
    here = (*path, "weights" if combined.weights is not None else "formula")
    read = list(combined.weights or ())
    if combined.formula is not None:
        try:
            read = models_in(parse(combined.formula))
        except FormulaError as error:
            yield Fault(here, str(error), "use numbers, models, + - * /, min, max and ( )")
            return
    for name in read:
        if name not in models:
            remedy = did_you_mean(name, list(models)) or "put spaces about - in a formula"
            yield Fault(here, f"there is no model {name}", remedy)
        elif models[name].combined is not None:
            yield Fault(here, f"{name} is a combined score itself", "read its models instead")
    if not read:
        yield Fault(here, "no model is read", "name at least one")


def _rule_faults(path: Path, rule: Rule, names: Names) -> Iterator[Fault]:
    if rule.points == 0:
        yield Fault((*path, "points"), "the rule gives nothing", "give points, or drop the rule")
    if isinstance(rule.points, PointsFrom):
        key = "field" if rule.points.field is not None else "table"
        check = path_faults if rule.on is not None else trait_faults
        yield from check((*path, "points", key), getattr(rule.points, key))
    if rule.when is not None:
        place: Place = "event" if rule.on is not None else "state"
        yield from condition_faults((*path, "when"), rule.when, place, names)
    if rule.limit is not None and rule.limit.once_per is not None:
        check = path_faults if rule.on is not None else trait_faults
        yield from check((*path, "limit", "once_per"), rule.limit.once_per)
    for name in fields_in(rule.say):
        yield from path_faults((*path, "say"), name)
    if rule.on is not None and rule.after is not None:
        yield Fault(
            (*path, "after"), "a rule is on events or after a silence", "drop on: or after:"
        )
    if rule.holds:
        yield from _hold_faults(path, rule)


def _hold_faults(path: Path, rule: Rule) -> Iterator[Fault]:
    if rule.when is None:
        yield Fault(
            path, "the rule has neither on, after nor when", "name the event types under on:"
        )
    if rule.limit is not None:
        yield Fault((*path, "limit"), "what holds is given once anyway", "drop the limit")
    if rule.valid is not None:
        yield Fault((*path, "valid"), "only events and silences have a date", "drop valid")
    decay = rule.decay
    if decay is not None and (decay.half_life or decay.linear or decay.window):
        yield Fault(
            (*path, "decay"), "what is given while something holds doesn't decay", "drop it"
        )


def grade_faults(path: Path, grade: Grade, models: Mapping[str, Model]) -> Iterator[Fault]:
    """What is wrong with the grade."""
    for key in ("fit", "engagement"):
        yield from unknown_model((*path, key), getattr(grade, key), models)
    for key, better, worse in (("fit_bounds", "A", "B"), ("engagement_bounds", "1", "2")):
        bounds: Mapping[str, float] = getattr(grade, key)
        if bounds[better] <= bounds[worse]:
            yield Fault(
                (*path, key),
                f"{better} asks for no more than {worse}",
                f"set {better} above {worse}",
            )


def band_faults(
    path: Path, model: str, bands: list[Band], models: Mapping[str, Model]
) -> Iterator[Fault]:
    """What is wrong with the bands of one model."""
    yield from unknown_model(path, model, models)
    for number, band in enumerate(bands):
        here = (*path, number)
        if band.name in {other.name for other in bands[:number]}:
            yield Fault((*here, "name"), f"{band.name} is used twice", "rename one of them")
        if number == 0 and band.from_ is not None:
            yield Fault((*here, "from"), "the lowest band has no beginning", "drop from")
        elif number and band.from_ is None:
            yield Fault(here, f"{band.name} has no beginning", "add from: SCORE")
        elif number > 1 and (band.from_ or 0.0) <= (bands[number - 1].from_ or 0.0):
            yield Fault((*here, "from"), "it begins below the band before", "sort the bands")


def unknown_model(path: Path, name: str, models: Mapping[str, Model]) -> Iterator[Fault]:
    """A name that is no model's."""
    if name not in models:
        known = list(models)
        remedy = did_you_mean(name, known) or f"models: {', '.join(known)}"
        yield Fault(path, f"there is no model {name}", remedy)

"""Checks that the parts of a ruleset fit together: names, fields, expressions, the ladder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import re2

from shared.ruleset.document import Condition, Model, Rule, RulesetDocument, Stage
from shared.ruleset.fields import did_you_mean, field_fault
from shared.ruleset.wording import fields_in
from shared.ruleset.yaml_tree import Path

MAX_EXPRESSION_MEMORY = 1 << 20
_LADDER: Path = ("stages", "ladder")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that doesn't fit, by its path in the document."""

    path: Path
    message: str
    remedy: str


def faults_of(document: RulesetDocument) -> list[Fault]:
    """Everything that doesn't fit, in the order of the document."""
    faults: list[Fault] = []
    for name, model in document.models.items():
        faults.extend(_model_faults(("models", name), model))
    faults.extend(_ladder_faults(document))
    return faults


def _model_faults(path: Path, model: Model) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, rule in enumerate(model.rules):
        here = (*path, "rules", number)
        if rule.id in seen:
            yield Fault((*here, "id"), f"{rule.id} is used twice", "give each rule its own id")
        seen.add(rule.id)
        yield from _rule_faults(here, rule)


def _rule_faults(path: Path, rule: Rule) -> Iterator[Fault]:
    if rule.points == 0:
        yield Fault((*path, "points"), "the rule gives nothing", "give points, or drop the rule")
    if rule.when is not None:
        yield from _condition_faults((*path, "when"), rule.when, trait_rule=rule.on is None)
    if rule.limit is not None and rule.limit.once_per is not None:
        yield from _field_faults((*path, "limit", "once_per"), rule.limit.once_per)
    for name in fields_in(rule.say):
        yield from _field_faults((*path, "say"), name)
    if rule.on is not None:
        return
    if rule.when is None:
        yield Fault(path, "the rule has neither on nor when", "name the event types under on:")
    if rule.limit is not None:
        yield Fault((*path, "limit"), "a rule on traits holds once anyway", "drop the limit")
    if rule.decay is not None and rule.decay.half_life is not None:
        yield Fault((*path, "decay"), "what traits give doesn't decay", "drop it, or name on:")


def _condition_faults(path: Path, condition: Condition, *, trait_rule: bool) -> Iterator[Fault]:
    for key, parts in (("all", condition.all_), ("any", condition.any_)):
        for number, part in enumerate(parts or ()):
            yield from _condition_faults((*path, key, number), part, trait_rule=trait_rule)
    if condition.not_ is not None:
        yield from _condition_faults((*path, "not"), condition.not_, trait_rule=trait_rule)
    if condition.field is None:
        return
    yield from _field_faults((*path, "field"), condition.field)
    if trait_rule and not condition.field.startswith("traits."):
        yield Fault(
            (*path, "field"),
            "a rule without on: can only read traits",
            "read traits.NAME, or name the event types under on:",
        )
    for pattern in condition.matches or ():
        wrong = expression_fault(pattern)
        if wrong:
            yield Fault((*path, "matches"), f"not a regular expression: {wrong}", "RE2 syntax")


def _field_faults(path: Path, name: str) -> Iterator[Fault]:
    found = field_fault(name)
    if found is not None:
        yield Fault(path, *found)


def expression_fault(pattern: str) -> str:
    """Why RE2 refuses a pattern, "" when it doesn't."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_EXPRESSION_MEMORY
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        return reason.decode() if isinstance(reason, bytes) else str(reason)
    return ""


def _ladder_faults(document: RulesetDocument) -> Iterator[Fault]:
    ladder = document.stages.ladder
    first = ladder[0]
    for key in ("enter", "leave", "dwell", "handoff"):
        if getattr(first, key) is not None:
            yield Fault(
                (*_LADDER, 0, key),
                "the first stage is where every lead begins",
                f"drop {key}, or put a stage before {first.name}",
            )
    seen: set[str] = set()
    for number, stage in enumerate(ladder):
        path = (*_LADDER, number)
        if stage.name in seen:
            yield Fault((*path, "name"), f"{stage.name} is used twice", "rename one of them")
        seen.add(stage.name)
        if number:
            yield from _stage_faults(path, stage, document)
            yield from _rising_faults(path, ladder[:number], stage)


def _stage_faults(path: Path, stage: Stage, document: RulesetDocument) -> Iterator[Fault]:
    enter, leave = stage.enter or {}, stage.leave or {}
    if not enter:
        yield Fault(path, f"{stage.name} can't be entered", "add enter: {MODEL: POINTS}")
    for key, thresholds in (("enter", enter), ("leave", leave)):
        for name in thresholds:
            if name not in document.models:
                known = list(document.models)
                yield Fault(
                    (*path, key, name),
                    f"there is no model {name}",
                    did_you_mean(name, known) or f"models: {', '.join(known)}",
                )
    for name, least in enter.items():
        model = document.models.get(name)
        if least <= 0:
            yield Fault(
                (*path, "enter", name), f"{least:g} holds from the start", "ask for more than 0"
            )
        elif model is not None and model.cap is not None and least > model.cap:
            yield Fault(
                (*path, "enter", name),
                f"{least:g} can't be reached: {name} is capped at {model.cap:g}",
                "raise the cap or lower the threshold",
            )
    for name, least in leave.items():
        if name not in enter:
            yield Fault(
                (*path, "leave", name),
                f"{stage.name} isn't entered by {name}",
                "leave by models that enter names",
            )
        elif least >= enter[name]:
            yield Fault(
                (*path, "leave", name),
                f"leave {least:g} isn't lower than enter {enter[name]:g}",
                "set leave below enter, so that a lead doesn't go back and forth",
            )
    if stage.dwell is not None and not leave:
        yield Fault((*path, "dwell"), "nothing ends this stage", "add leave:, or drop dwell")


def _rising_faults(path: Path, lower: list[Stage], stage: Stage) -> Iterator[Fault]:
    """A higher stage asks for no less than the lower ones, and for more of something."""
    for key in ("enter", "leave"):
        for name, least in (getattr(stage, key) or {}).items():
            for other in lower:
                below = (getattr(other, key) or {}).get(name)
                if below is not None and least < below:
                    yield Fault(
                        (*path, key, name),
                        f"{least:g} is lower than {below:g} of {other.name}, a stage below",
                        "thresholds rise from stage to stage",
                    )
    if any(stage.enter and stage.enter == other.enter for other in lower):
        yield Fault((*path, "enter"), "a stage below is entered by the same", "ask for more")

"""Checks that the parts of a ruleset fit together: names, fields, expressions, the ladder."""

from __future__ import annotations

from collections.abc import Iterator

from shared.ruleset.condition_checks import Fault, Names
from shared.ruleset.document import RulesetDocument, Stage
from shared.ruleset.fields import did_you_mean
from shared.ruleset.model_checks import band_faults, grade_faults, model_faults
from shared.ruleset.scenario_checks import scenario_faults
from shared.ruleset.yaml_tree import Path

__all__ = ["Fault", "faults_of"]

_LADDER: Path = ("stages", "ladder")


def faults_of(document: RulesetDocument) -> list[Fault]:
    """Everything that doesn't fit, in the order of the document."""
    faults: list[Fault] = []
    names = names_of(document)
    for name, model in document.models.items():
        faults.extend(model_faults(("models", name), model, document.models, names))
    if document.grade is not None:
        faults.extend(grade_faults(("grade",), document.grade, document.models))
    for name, bands in document.bands.items():
        faults.extend(band_faults(("bands", name), name, bands, document.models))
    faults.extend(_ladder_faults(document))
    faults.extend(scenario_faults(document, names, stage_names(document)))
    return faults


def stage_names(document: RulesetDocument) -> dict[str, list[str]]:
    """Every journey's stages, by its name."""
    return {"main": [stage.name for stage in document.stages.ladder]}


def names_of(document: RulesetDocument) -> Names:
    """What conditions may name."""
    return Names(
        tuple(one.id for one in getattr(document, "segments", ())),
        tuple(one.id for one in getattr(document, "personas", ())),
    )


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

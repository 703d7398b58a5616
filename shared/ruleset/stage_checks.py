"""Checks of ladders, the stages beside them, journeys, personas and segments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.ruleset.condition_checks import Fault, Names, condition_faults
from shared.ruleset.document import RulesetDocument
from shared.ruleset.fields import did_you_mean
from shared.ruleset.stages import LADDER, MAIN, Journey, Named, SideStage, Stage, Stages, all_stages
from shared.ruleset.yaml_tree import Path


def named_faults(path: Path, parts: Sequence[Named]) -> Iterator[Fault]:
    """What is wrong with personas or segments."""
    seen: set[str] = set()
    for number, one in enumerate(parts):
        if one.id in seen:
            yield Fault((*path, number, "id"), f"{one.id} is used twice", "rename one of them")
        seen.add(one.id)
        yield from condition_faults((*path, number, "when"), one.when, "state", None)


def journey_faults(document: RulesetDocument, names: Names) -> Iterator[Fault]:
    """What is wrong with the stages of every journey."""
    yield from _stages_faults(("stages",), document.stages, document, names)
    for name, journey in document.journeys.items():
        path: Path = ("journeys", name)
        if name == MAIN:
            yield Fault(path, "main is the journey under stages:", "give this one another name")
        if journey.when is not None:
            yield from condition_faults((*path, "when"), journey.when, "state", names)
        yield from _stages_faults(path, journey, document, names)


def _stages_faults(
    path: Path, stages: Stages | Journey, document: RulesetDocument, names: Names
) -> Iterator[Fault]:
    ladder = stages.ladder
    rungs = (*path, "ladder")
    first = ladder[0]
    for key, given in (
        ("enter", first.enter), ("leave", first.leave), ("dwell", first.dwell),
        ("handoff", first.handoff), ("when", first.when), ("from", first.from_),
    ):  # fmt: skip
        if given is not None:
            yield Fault(
                (*rungs, 0, key),
                "the first stage is where every lead begins",
                f"drop {key}, or put a stage before {first.name}",
            )
    known = [stage.name for stage in all_stages(stages)]
    seen: set[str] = set()
    for number, stage in enumerate(ladder):
        yield from _name_faults((*rungs, number), stage.name, seen)
        if number:
            yield from _stage_faults((*rungs, number), stage, document, names, known)
            yield from _rising_faults((*rungs, number), ladder[:number], stage)
    for number, side in enumerate(stages.side):
        at = (*path, "side", number)
        yield from _name_faults(at, side.name, seen)
        yield from _side_faults(at, side, [stage.name for stage in ladder], names)
        yield from _from_faults(at, side, known)


def _name_faults(path: Path, name: str, seen: set[str]) -> Iterator[Fault]:
    if name in seen:
        yield Fault((*path, "name"), f"{name} is used twice", "rename one of them")
    seen.add(name)


def _stage_faults(
    path: Path, stage: Stage, document: RulesetDocument, names: Names, known: list[str]
) -> Iterator[Fault]:
    enter, leave = stage.enter or {}, stage.leave or {}
    if not enter and stage.when is None:
        yield Fault(path, f"{stage.name} can't be entered", "add enter: {MODEL: POINTS}")
    for key, thresholds in (("enter", enter), ("leave", leave)):
        for name in thresholds:
            if name not in document.models:
                models = list(document.models)
                yield Fault(
                    (*path, key, name),
                    f"there is no model {name}",
                    did_you_mean(name, models) or f"models: {', '.join(models)}",
                )
    yield from _from_faults(path, stage, known)
    if stage.when is not None:
        yield from condition_faults((*path, "when"), stage.when, "state", names)
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
    yield from _floor_faults(path, stage, document)
    yield from _leave_faults(path, stage)


def _from_faults(path: Path, stage: Stage | SideStage, known: list[str]) -> Iterator[Fault]:
    for number, name in enumerate(stage.from_ or ()):
        if name not in known:
            remedy = did_you_mean(name, known) or f"stages: {', '.join(known)}"
            yield Fault((*path, "from", number), f"there is no stage {name}", remedy)


def _floor_faults(path: Path, stage: Stage, document: RulesetDocument) -> Iterator[Fault]:
    """Thresholds that a score, never shown below its floor, can't be below."""
    for key, thresholds, wrong in (
        ("enter", stage.enter or {}, "holds from the start"),
        ("leave", stage.leave or {}, "never ends the stage"),
    ):
        for name, least in thresholds.items():
            model = document.models.get(name)
            floor = None if model is None else model.floor
            if floor is not None and least <= floor and (least > 0 or key == "leave"):
                yield Fault(
                    (*path, key, name),
                    f"{least:g} {wrong}: {name} has a floor of {floor:g}",
                    "lower the floor or raise the threshold",
                )


def _leave_faults(path: Path, stage: Stage) -> Iterator[Fault]:
    enter, leave = stage.enter or {}, stage.leave or {}
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
    plain = stage.when is None
    if plain and any(
        stage.enter and stage.enter == other.enter and other.when is None for other in lower
    ):
        yield Fault((*path, "enter"), "a stage below is entered by the same", "ask for more")


def _side_faults(path: Path, side: SideStage, ladder: list[str], names: Names) -> Iterator[Fault]:
    if side.when is not None:
        yield from condition_faults((*path, "when"), side.when, "state", names)
    if side.event_when is not None:
        yield from condition_faults((*path, "event_when"), side.event_when, "counted", None)
    if side.leave is not None and side.leave.when is not None:
        yield from condition_faults((*path, "leave", "when"), side.leave.when, "state", names)
    if side.back_to != LADDER and side.back_to not in ladder:
        known = [LADDER, *ladder]
        remedy = did_you_mean(side.back_to, known) or f"stages: {', '.join(known)}"
        yield Fault((*path, "back_to"), f"there is no stage {side.back_to}", remedy)

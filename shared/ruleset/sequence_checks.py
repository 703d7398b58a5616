"""Checks of nurture sequences: what they name is there, and their steps come in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.ruleset.condition_checks import Fault, Names, condition_faults
from shared.ruleset.document import RulesetDocument
from shared.ruleset.fields import did_you_mean
from shared.ruleset.owners import Hours
from shared.ruleset.sales_checks import zone_faults
from shared.ruleset.sequences import NurtureSequence, QuietHours
from shared.ruleset.stages import all_stages
from shared.ruleset.yaml_tree import Path


def sequence_faults(document: RulesetDocument, names: Names) -> Iterator[Fault]:
    """What is wrong with the sequences, and with rows that start or stop them."""
    for name, sequence in document.sequences.items():
        yield from _faults(("sequences", name), sequence, document, names)
    for number, row in enumerate(document.handoffs):
        for key in ("start", "stop"):
            for place, name in enumerate(getattr(row.do, key) or ()):
                path: Path = ("handoffs", number, "do", key, place)
                yield from _unknown(path, "sequence", name, list(document.sequences))


def _faults(
    path: Path, sequence: NurtureSequence, document: RulesetDocument, names: Names
) -> Iterator[Fault]:
    journeys = document.all_journeys()
    if sequence.journey not in journeys:
        yield from _unknown((*path, "journey"), "journey", sequence.journey, list(journeys))
        return
    stages = [stage.name for stage in all_stages(journeys[sequence.journey])]
    enter, leave = sequence.enter, sequence.exit
    for key, given in (("enter", enter.stage if enter else None), ("exit", leave.stage)):
        for number, name in enumerate(given or ()):
            yield from _unknown((*path, key, "stage", number), "stage", name, stages)
    if enter is not None and enter.segment is not None:
        yield from _unknown((*path, "enter", "segment"), "segment", enter.segment, names.segments)
    for where, condition in (
        (("audience",), sequence.audience), (("goal",), sequence.goal),
        (("exit", "when"), leave.when), (("enter", "when"), enter.when if enter else None),
    ):  # fmt: skip
        if condition is not None:
            yield from condition_faults((*path, *where), condition, "state", names)
    yield from zone_faults((*path, "hours", "time_zone"), sequence.hours.time_zone)
    quiet = document.sequence_limits.quiet
    if quiet is not None and _is_never(sequence.hours, quiet):
        yield Fault(
            (*path, "hours"),
            f"all of it is quiet ({quiet.from_} to {quiet.to}): no step could go out",
            "give it an hour outside of sequence_limits.quiet",
        )
    if not sequence.time_zone.startswith("traits."):
        yield Fault((*path, "time_zone"), "a lead's zone is read from a trait", "write traits.NAME")
    if not sequence.prefers.startswith("traits."):
        yield Fault((*path, "prefers"), "what a lead prefers is a trait", "write traits.NAME")
    yield from _step_faults(path, sequence, names)
    yield from _choice_faults(path, sequence, stages, list(document.models))


def _step_faults(path: Path, sequence: NurtureSequence, names: Names) -> Iterator[Fault]:
    seen: set[str] = set()
    before = -1
    for number, step in enumerate(sequence.steps):
        at = (*path, "steps", number)
        if step.id in seen:
            yield Fault((*at, "id"), f"{step.id} is used twice", "rename one of them")
        seen.add(step.id)
        if step.day < before:
            yield Fault((*at, "day"), "the step before comes later", "put steps in order of days")
        before = step.day
        for place, name in enumerate(step.arm or ()):
            yield from _unknown((*at, "arm", place), "arm", name, list(sequence.arms or ()))
        for place, choice in enumerate(step.content):
            if choice.when is not None:
                where = (*at, "content", place, "when")
                yield from condition_faults(where, choice.when, "state", names)
            if choice.for_ == "buyers" and sequence.purpose == "nurture":
                yield Fault(
                    (*at, "content", place, "for"),
                    "who has bought leaves a sequence of purpose nurture",
                    "put it into one of purpose customer",
                )


def _is_never(hours: Hours, quiet: QuietHours) -> bool:
    """Do quiet hours leave nothing of a day's hours? As times of day, which sort as texts."""
    if quiet.from_ <= quiet.to:
        return quiet.from_ <= hours.from_ and hours.to <= quiet.to
    return quiet.from_ <= hours.from_ or hours.to <= quiet.to


def _choice_faults(
    path: Path, sequence: NurtureSequence, stages: list[str], models: list[str]
) -> Iterator[Fault]:
    for number, step in enumerate(sequence.steps):
        for place, choice in enumerate(step.content):
            at: Path = (*path, "steps", number, "content", place)
            for which, stage in enumerate(choice.stage or ()):
                yield from _unknown((*at, "stage", which), "stage", stage, stages)
            for model in choice.score or ():
                yield from _unknown((*at, "score", model), "model", model, models)


def _unknown(path: Path, what: str, name: str, known: Sequence[str]) -> Iterator[Fault]:
    if name not in known:
        there = f"{what}s: {', '.join(known)}" if known else f"this ruleset has no {what}"
        yield Fault(path, f"there is no {what} {name}", did_you_mean(name, list(known)) or there)

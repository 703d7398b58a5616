"""Checks of scenarios: what they expect must be something the ruleset has."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from shared.ruleset.condition_checks import Fault, Names
from shared.ruleset.document import RulesetDocument
from shared.ruleset.fields import did_you_mean
from shared.ruleset.scenarios import Expectation
from shared.ruleset.yaml_tree import Path

NONE = "none"
_GRADE = re.compile(r"[ABC][123]")


def scenario_faults(
    document: RulesetDocument, names: Names, stages: Mapping[str, Collection[str]]
) -> Iterator[Fault]:
    """What is wrong with the scenarios. stages: names of each journey's stages."""
    seen: set[str] = set()
    for number, scenario in enumerate(document.tests):
        path: Path = ("tests", number)
        if scenario.name in seen:
            yield Fault((*path, "name"), f"{scenario.name} is used twice", "rename one of them")
        seen.add(scenario.name)
        for place, expected in enumerate(scenario.expect):
            here = (*path, "expect", place)
            yield from _score_faults(here, expected, document)
            yield from _name_faults(here, expected, names)
            for journey, stage in expected.stage.items():
                yield from unknown((*here, "stage"), "journey", journey, stages)
                if journey in stages and (stage != NONE or journey == "main"):
                    yield from unknown((*here, "stage"), "stage", stage, stages[journey])


def _score_faults(path: Path, expected: Expectation, document: RulesetDocument) -> Iterator[Fault]:
    for model in expected.score:
        yield from unknown((*path, "score", model), "model", model, document.models)
    for model, band in expected.band.items():
        here = (*path, "band", model)
        if model not in document.bands:
            yield Fault(here, f"{model} has no bands", "add them under bands:")
        else:
            yield from unknown(here, "band", band, [each.name for each in document.bands[model]])
    if expected.grade is None:
        return
    if document.grade is None:
        yield Fault((*path, "grade"), "the ruleset gives no grade", "add grade:")
    elif not _GRADE.fullmatch(expected.grade):
        yield Fault((*path, "grade"), f"{expected.grade} is no grade", "A1 to C3")


def _name_faults(path: Path, expected: Expectation, names: Names) -> Iterator[Fault]:
    if expected.persona not in (None, NONE):
        yield from unknown((*path, "persona"), "persona", expected.persona, names.personas)
    for key in ("segment", "not_segment"):
        for segment in getattr(expected, key):
            yield from unknown((*path, key), "segment", segment, names.segments)


def unknown(path: Path, noun: str, name: str | None, known: Collection[str]) -> Iterator[Fault]:
    """A name that isn't among the known ones."""
    if name is not None and name not in known:
        listed = f"{noun}s: {', '.join(known) or 'none'}"
        remedy = did_you_mean(name, list(known)) or listed
        yield Fault(path, f"there is no {noun} {name}", remedy)

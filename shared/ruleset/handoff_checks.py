"""Checks of the hand-off table, and of who is suppressed: what they name is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from shared.ruleset.condition_checks import Fault, Names, condition_faults
from shared.ruleset.document import RulesetDocument
from shared.ruleset.fields import did_you_mean
from shared.ruleset.handoffs import BandRow, HandoffRow
from shared.ruleset.stages import MAIN, all_stages
from shared.ruleset.yaml_tree import Path

# Kinds of rows that come to hold at an instant of their own, and may do so again.
_AGAIN = ("band", "grade", "signal")


def handoff_faults(document: RulesetDocument, names: Names) -> Iterator[Fault]:
    """What is wrong with the rows of the hand-off table."""
    seen: set[str] = set()
    for number, row in enumerate(document.handoffs):
        path: Path = ("handoffs", number)
        if row.id in seen:
            yield Fault((*path, "id"), f"{row.id} is used twice", "rename one of them")
        seen.add(row.id)
        yield from _row_faults(path, row, document, names)
        if row.when is not None:
            yield from condition_faults((*path, "when"), row.when, "state", names)
        if row.again_after is not None and row.kind not in _AGAIN:
            yield Fault(
                (*path, "again_after"),
                f"a row on a {row.kind} counts each time it is entered",
                f"drop it; it goes with {', '.join(_AGAIN)}",
            )
        if row.journey != MAIN and row.stage is None:
            yield Fault((*path, "journey"), "only stages are of a journey", "drop journey")


def suppress_faults(document: RulesetDocument, names: Names) -> Iterator[Fault]:
    """What is wrong with suppress."""
    suppress = document.suppress
    if suppress is None:
        return
    for key in ("competitor", "staff"):
        company = getattr(suppress, key)
        for number, name in enumerate(company.segments if company is not None else ()):
            path: Path = ("suppress", key, "segments", number)
            yield from _unknown(path, "segment", name, names.segments)
    known = [stage.name for stage in all_stages(document.stages)]
    for number, name in enumerate(suppress.stages or ()):
        yield from _unknown(("suppress", "stages", number), "stage", name, known)


def _row_faults(
    path: Path, row: HandoffRow, document: RulesetDocument, names: Names
) -> Iterator[Fault]:
    if row.stage is not None:
        yield from _stage_faults(path, row, row.stage, document)
    elif row.band is not None:
        yield from _band_faults((*path, "band"), row.band, document)
    elif row.grade is not None and document.grade is None:
        yield Fault((*path, "grade"), "this ruleset gives no grades", "add grade: to the ruleset")
    elif row.segment is not None:
        yield from _unknown((*path, "segment"), "segment", row.segment, names.segments)
    elif row.signal is not None and row.signal.event_when is not None:
        at = (*path, "signal", "event_when")
        yield from condition_faults(at, row.signal.event_when, "counted", None)
    elif row.account is not None:
        stages = [] if document.accounts is None else document.accounts.stages
        for number, name in enumerate(row.account):
            at = (*path, "account", number)
            yield from _unknown(at, "account stage", name, [stage.name for stage in stages])


def _stage_faults(
    path: Path, row: HandoffRow, names: Sequence[str], document: RulesetDocument
) -> Iterator[Fault]:
    journeys = document.all_journeys()
    if row.journey not in journeys:
        yield from _unknown((*path, "journey"), "journey", row.journey, list(journeys))
        return
    stages = {stage.name: stage for stage in all_stages(journeys[row.journey])}
    for number, name in enumerate(names):
        at = (*path, "stage", number)
        yield from _unknown(at, "stage", name, list(stages))
        given = stages[name].handoff if name in stages else None
        if row.do.handoff is not None and given is not None:
            yield Fault(
                (*path, "do", "handoff"),
                f"{name} hands the lead to {given} already",
                "drop handoff here, or from the stage",
            )


def _band_faults(path: Path, band: BandRow, document: RulesetDocument) -> Iterator[Fault]:
    bands = document.bands.get(band.model)
    if bands is None:
        yield from _unknown((*path, "model"), "score with bands", band.model, list(document.bands))
        return
    yield from _unknown((*path, "name"), "band", band.name, [one.name for one in bands])
    if any(one.name == band.name and one.from_ is None for one in bands):
        yield Fault(
            (*path, "name"),
            f"{band.name} is the lowest band, where every lead begins",
            "name one that is reached from below",
        )


def _unknown(path: Path, what: str, name: str, known: Sequence[str]) -> Iterator[Fault]:
    if name not in known:
        there = f"{what}s: {', '.join(known)}" if known else f"this ruleset has no {what}"
        yield Fault(path, f"there is no {what} {name}", did_you_mean(name, list(known)) or there)

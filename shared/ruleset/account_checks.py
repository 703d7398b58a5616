"""Checks of accounts: their scores and stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shared.ruleset.accounts import Accounts, AccountStage
from shared.ruleset.condition_checks import Fault
from shared.ruleset.fields import did_you_mean
from shared.ruleset.model import Model
from shared.ruleset.yaml_tree import Path


def account_faults(path: Path, accounts: Accounts, models: Mapping[str, Model]) -> Iterator[Fault]:
    """What is wrong with accounts."""
    if len(set(accounts.by)) < len(accounts.by):
        yield Fault((*path, "by"), f"{accounts.by[0]} stands twice", "drop one of them")
    for name in accounts.score:
        if name not in models:
            remedy = did_you_mean(name, list(models)) or f"models: {', '.join(models)}"
            yield Fault((*path, "score", name), f"there is no model {name}", remedy)
    seen: set[str] = set()
    for number, stage in enumerate(accounts.stages):
        at = (*path, "stages", number)
        if stage.name in seen:
            yield Fault((*at, "name"), f"{stage.name} is used twice", "rename one of them")
        seen.add(stage.name)
        if number:
            yield from _threshold_faults(at, stage, accounts)
        elif stage.enter or stage.leave:
            remedy = f"drop enter and leave, or put a stage before {stage.name}"
            yield Fault(at, "the first stage is where every account begins", remedy)


def _threshold_faults(at: Path, stage: AccountStage, accounts: Accounts) -> Iterator[Fault]:
    enter, leave = stage.enter or {}, stage.leave or {}
    if not enter:
        yield Fault(at, f"{stage.name} can't be entered", "add enter: {MODEL: POINTS}")
    for key, thresholds in (("enter", enter), ("leave", leave)):
        for name in thresholds:
            if name not in accounts.score:
                known = list(accounts.score)
                remedy = did_you_mean(name, known) or f"account scores: {', '.join(known)}"
                yield Fault((*at, key, name), f"accounts have no score {name}", remedy)
    for name, least in leave.items():
        if name in enter and least >= enter[name]:
            yield Fault(
                (*at, "leave", name),
                f"leave {least:g} isn't lower than enter {enter[name]:g}",
                "set leave below enter, so that an account doesn't go back and forth",
            )

"""Checks of what sales works by: owners that can be told apart, zones that are there."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo

from shared.ruleset.condition_checks import Fault, Names, condition_faults
from shared.ruleset.document import RulesetDocument
from shared.ruleset.owners import Owners
from shared.ruleset.sales import Clock, Sales
from shared.ruleset.yaml_tree import Path
from shared.working_time import WorkingTime

_SOME_DAY_MS = 1_767_225_600_000  # 2026-01-01


def sales_faults(document: RulesetDocument, names: Names) -> Iterator[Fault]:
    """What is wrong with sales."""
    sales = document.sales
    if sales is None:
        return
    if sales.hours is not None:
        yield from zone_faults(("sales", "hours", "time_zone"), sales.hours.time_zone)
    if sales.clock is not None:
        yield from _clock_faults(("sales", "clock"), sales.clock)
        if sales.hours is None or not list(zone_faults((), sales.hours.time_zone)):
            yield from _time_faults(("sales", "clock"), sales.clock, sales)
    if sales.owners is not None:
        yield from _owner_faults(("sales", "owners"), sales.owners, names)


def zone_faults(path: Path, name: str) -> Iterator[Fault]:
    """A time zone by its name in the tz database."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        yield Fault(path, f"there is no time zone {name}", "write UTC, or such as Europe/Vienna")


def _clock_faults(path: Path, clock: Clock) -> Iterator[Fault]:
    lengths = [("remind", clock.remind), ("escalate", clock.escalate), ("reassign", clock.reassign)]
    given = [(key, length) for key, length in lengths if length is not None]
    for (before, shorter), (key, longer) in pairwise(given):
        if longer <= shorter:
            yield Fault(
                (*path, key), f"{key} doesn't come after {before}", f"make it longer than {before}"
            )


def _time_faults(path: Path, clock: Clock, sales: Sales) -> Iterator[Fault]:
    """Is there so much working time at all?"""
    working = WorkingTime(sales.hours, frozenset(sales.holidays))
    for key, length in (
        ("remind", clock.remind), ("accept_within", clock.accept_within),
        ("escalate", clock.escalate), ("reassign", clock.reassign),
    ):  # fmt: skip
        try:
            if length is not None:
                working.after(_SOME_DAY_MS, length)
        except ValueError:
            yield Fault(
                (*path, key), "there is not so much working time in ten years", "make it shorter"
            )


def _owner_faults(path: Path, owners: Owners, names: Names) -> Iterator[Fault]:
    seen: set[str] = set()
    if owners.value is not None and not owners.value.startswith("traits."):
        yield Fault((*path, "value"), "a lead's worth is read from a trait", "write traits.NAME")
    for number, owner in enumerate(owners.team):
        at: Path = (*path, "team", number)
        if owner.id in seen:
            yield Fault((*at, "id"), f"{owner.id} is used twice", "rename one of them")
        seen.add(owner.id)
        if owner.when is not None:
            yield from condition_faults((*at, "when"), owner.when, "state", names)
        if owner.hours is not None:
            yield from zone_faults((*at, "hours", "time_zone"), owner.hours.time_zone)
        if owner.least_value is not None and owners.value is None:
            yield Fault(
                (*at, "least_value"),
                "nothing says what a lead is worth",
                "add value: traits.NAME to owners",
            )

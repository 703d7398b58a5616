"""The outcome of checks, as lines for a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. `remedy` says how to mend it when it is not `ok`."""

    name: str
    ok: bool
    detail: str = ""
    remedy: str = ""


def print_checks(checks: Iterable[Check]) -> bool:
    """Print each as it comes; whether all were fine."""
    console = Console(highlight=False, soft_wrap=True)
    fine = True
    for check in checks:
        fine = fine and check.ok
        sign = "[green]✓[/]" if check.ok else "[red]✗[/]"
        console.print(sign, end=" ")
        console.print(f"{check.name}: {check.detail}" if check.detail else check.name, markup=False)
        if not check.ok and check.remedy:
            console.print(f"    {check.remedy}", markup=False)
    return fine

"""What an audit tells: each lead that differs, how far it is, and how it ended."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.scorer.audit.comparison import Difference
from services.scorer.audit.examiner import Finding
from services.scorer.audit.repair import Repair
from shared.ruleset.condition_words import counted

if TYPE_CHECKING:
    from services.scorer.audit.runs import Run

# Leads told in full; the others are counted.
MOST_TOLD = 20
LINE_EVERY_SECONDS = 10.0


def told(finding: Finding) -> Iterator[str]:
    """A lead that differs, in lines."""
    yield f"lead {finding.lead_id} differs (ruleset version {finding.ruleset_version})"
    yield from _differences(finding.differences)
    if finding.repair is not None:
        yield from _repair(finding.repair)


def _differences(found: tuple[Difference, ...]) -> Iterator[str]:
    for one in found:
        if one.what == "unreadable":
            yield f"  can't be read: {one.stored}"
            continue
        where = f" {one.where}" if one.where else ""
        yield f"  {one.what}{where}: stored {one.stored}, recomputed {one.recomputed}"


def _repair(repair: Repair) -> Iterator[str]:
    if repair.failed:
        yield f"  not repaired: {repair.failed}"
        return
    moves = ", ".join(repair.moves) or "stays"
    changes = f"entries of {counted(repair.rewritten, 'event')} change, the stage {moves}"
    if repair.undone:
        yield f"  a repair would do: {changes}"
    if repair.left:
        yield "  after the repair it still differs:"
        yield from _differences(repair.left)
    elif not repair.undone:
        yield f"  repaired, and equal now: {changes}"


def summary(run: Run, seconds: float, checked: int) -> str:
    """The last line. seconds, checked: of this process, for the rate."""
    leads = counted(run.checked, "lead")
    took = f"{leads} checked; {checked / max(seconds, 0.001):,.0f} a second"
    if not run.differing:
        return f"{took}: all equal"
    repaired = f", {run.repaired:,} of them repaired" if run.repaired else ""
    return f"{took}: {run.differing:,} differ{repaired}"


class Telling:
    """Findings go to stdout as they come, the first of them in full. Progress goes to stderr: a bar
    with rate and time to go on a terminal, else a line every ten seconds.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._told = 0
        self._since = self._line_at = time.monotonic()
        self._before = run.checked
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            self._bar = Progress(
                TextColumn("audit"), BarColumn(), MofNCompleteColumn(),
                TextColumn("{task.fields[rate]} a second, {task.fields[differ]} differ"),
                TimeRemainingColumn(), console=Console(stderr=True), transient=True,
                # Lines stand above the bar; those for a file or pipe still go there.
                redirect_stdout=sys.stdout.isatty(),
            )  # fmt: skip
            self._task = self._bar.add_task("", total=run.leads, rate=0, differ=0)

    def __enter__(self) -> Telling:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    @property
    def seconds(self) -> float:
        """Since this process began."""
        return time.monotonic() - self._since

    @property
    def checked(self) -> int:
        """By this process."""
        return self._run.checked - self._before

    def findings(self, found: list[Finding]) -> None:
        """Tell the leads of one chunk, and how far the audit is."""
        for finding in found:
            self._told += 1
            if self._told <= MOST_TOLD:
                for line in told(finding):
                    typer.echo(line)
        self._progress()

    def rest(self) -> None:
        """How many were not told."""
        if self._told > MOST_TOLD:
            typer.echo(f"and {counted(self._told - MOST_TOLD, 'lead')} more")

    def _progress(self) -> None:
        run, rate = self._run, self.checked / max(self.seconds, 0.001)
        if self._bar is not None:
            self._bar.update(
                self._task, completed=run.checked, rate=f"{rate:,.0f}", differ=f"{run.differing:,}"
            )
        elif time.monotonic() - self._line_at >= LINE_EVERY_SECONDS:
            self._line_at = time.monotonic()
            left = max(run.leads - run.checked, 0) / max(rate, 0.001)
            typer.echo(
                f"{run.checked:,} of {run.leads:,} leads, {run.differing:,} differ; "
                f"{rate:,.0f} a second, about {left:,.0f} s to go",
                err=True,
            )

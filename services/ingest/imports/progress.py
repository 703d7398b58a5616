"""How an import goes, for people: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import time
from typing import Final

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from services.ingest.imports.events import Tally
from services.ingest.imports.running import Watcher

LINE_SECONDS: Final = 5.0


class Lines(Watcher):
    """A line every few seconds, to standard error."""

    def __init__(self, total_bytes: int) -> None:
        self._total = max(total_bytes, 1)
        self._begun = self._told = time.monotonic()
        self._first: tuple[int, int] | None = None
        self._waiting = False

    def resumed(self, row: int) -> None:
        typer.echo(f"goes on behind row {row}", err=True)

    def moved(self, tally: Tally, read: int) -> None:
        self._waiting = False
        self._first = self._first or (tally.rows, read)
        now = time.monotonic()
        if now - self._told >= LINE_SECONDS:
            self._told = now
            typer.echo(f"{self.words(tally, read)}", err=True)

    def waits(self) -> None:
        if not self._waiting:
            typer.echo(
                "Kafka takes nothing just now: waiting; what was sent is sent again", err=True
            )
        self._waiting = True

    def stop(self) -> None:
        """It ends, somehow."""

    def words(self, tally: Tally, read: int) -> str:
        """Rows, rate, and how long it will take; what was skipped in resuming doesn't count."""
        rows, before = self._first or (0, 0)
        seconds = max(time.monotonic() - self._begun, 0.001)
        rate = (tally.rows - rows) / seconds
        share = (read - before) / max(self._total - before, 1)
        left = f"{seconds / share - seconds:.0f} s left" if share > 0 else "…"
        rejected = f", {tally.rejected:,} rejected" if tally.rejected else ""
        return f"{tally.rows:,} rows{rejected}, {100 * read // self._total}%, {rate:,.0f}/s, {left}"


class Bar(Lines):
    """A bar that moves."""

    def __init__(self, total_bytes: int, console: Console) -> None:
        super().__init__(total_bytes)
        self._progress = Progress(BarColumn(), TextColumn("{task.description}"), console=console)
        self._task = self._progress.add_task("", total=self._total)
        self._progress.start()

    def moved(self, tally: Tally, read: int) -> None:
        self._waiting = False
        self._first = self._first or (tally.rows, read)
        self._progress.update(
            self._task, completed=read, description=self.words(tally, read), refresh=False
        )

    def stop(self) -> None:
        self._progress.stop()


def watching(total_bytes: int) -> Lines:
    """By where standard error goes."""
    console = Console(stderr=True)
    return Bar(total_bytes, console) if console.is_terminal else Lines(total_bytes)

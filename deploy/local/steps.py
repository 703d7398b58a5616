"""What a person sees while the stack starts: one line a step, a bar while something downloads."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PLAIN_LINE_EVERY_SECONDS = 3.0


class Steps:
    """Prints steps as they end, with the time that each took."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)

    def say(self, text: str) -> None:
        self.console.print(f"  {text}", markup=False)

    def warn(self, text: str) -> None:
        self.console.print(f"! {text}", style="yellow", markup=False)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Callable[[str], None]]:
        """One step; call what it gives with a detail for its line."""
        details: list[str] = []
        since = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(name):
                yield details.append
        else:
            yield details.append
        took = time.monotonic() - since
        detail = f": {', '.join(details)}" if details else ""
        self.console.print(f"[green]✓[/] {name}{detail} [dim]({took:.1f} s)[/]")

    @contextlib.contextmanager
    def downloading(self, name: str) -> Iterator[Callable[[int, int], None]]:
        """A bar on a terminal, else a line every few seconds; told (done, of)."""
        if not self.console.is_terminal:
            yield self._plain(name)
            return
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=self.console) as bar:
            task = bar.add_task(name, total=None)
            yield lambda done, of: bar.update(task, completed=done, total=of)

    def _plain(self, name: str) -> Callable[[int, int], None]:
        last = time.monotonic()

        def told(done: int, of: int) -> None:
            nonlocal last
            if done < of and time.monotonic() - last > PLAIN_LINE_EVERY_SECONDS:
                last = time.monotonic()
                self.say(f"{name}: {done} of {of}")

        return told

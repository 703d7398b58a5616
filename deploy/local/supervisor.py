"""Keeps the children running: starts one again that died, stops all in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.process import Child, Program, Watchdog

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A child that ran so long starts with the shortest wait again."""


@dataclass(slots=True)
class _Kept:
    program: Program
    child: Child | None
    started: float
    deaths: int = 0
    due: float = 0.0


class Supervisor:
    """The children by name. Not for threads: one loop calls `look` again and again."""

    def __init__(
        self,
        watchdog: Watchdog,
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watchdog = watchdog
        self._say = say
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    @property
    def pids(self) -> dict[str, int]:
        return {name: kept.child.pid for name, kept in self._kept.items() if kept.child}

    def start(self, program: Program) -> Child:
        child = Child(program, self._watchdog)
        self._kept[program.name] = _Kept(program, child, self._clock())
        return child

    def look(self) -> bool:
        """Note who died and start whose wait is over; whether anything changed."""
        changed = False
        for kept in self._kept.values():
            if kept.child is not None:
                code = kept.child.poll()
                if code is not None:
                    self._note_death(kept, code)
                    changed = True
            elif self._clock() >= kept.due:
                kept.child = Child(kept.program, self._watchdog)
                kept.started = self._clock()
                self._say(f"{kept.program.name} started again (pid {kept.child.pid})")
                changed = True
        return changed

    def _note_death(self, kept: _Kept, code: int) -> None:
        if self._clock() - kept.started > STEADY_SECONDS:
            kept.deaths = 0
        wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**kept.deaths)
        kept.deaths += 1
        kept.child = None
        kept.due = self._clock() + wait
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._say(
            f"{kept.program.name} ended ({how}); starting it again in {wait:g} s. "
            f"Its log: {kept.program.log}"
        )

    def stop(self, order: Callable[[str], int]) -> None:
        """Stop all, one after the other, by `order` of their names."""
        for name in sorted(self._kept, key=order):
            kept = self._kept[name]
            if kept.child is not None:
                kept.child.stop()
                kept.child = None
        self._kept.clear()

"""How much of the machine others used meanwhile: on a busy one, figures mean little."""

from __future__ import annotations

import os
import time

import psutil

# Cores' worth of other work from which figures are called into question.
TOO_MUCH = 0.25


class Others:
    """Counts from its creation on. Ours: this process with all it started, ended or not."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._all, self._ours = _busy_seconds(), _own_seconds()

    def cores(self) -> float:
        """Cores that others kept busy, on average."""
        theirs = (_busy_seconds() - self._all) - (_own_seconds() - self._ours)
        return max(0.0, theirs / (time.monotonic() - self._since))

    def words(self) -> str:
        cores = self.cores()
        told = f"others used {cores:.1f} of {os.cpu_count()} cores meanwhile"
        return told if cores < TOO_MUCH else f"{told}: TOO BUSY, measure again"


def _busy_seconds() -> float:
    """Core-seconds in which any core was not idle."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq + times.steal)


def _own_seconds() -> float:
    total = 0.0
    me = psutil.Process()
    for process in (me, *me.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total

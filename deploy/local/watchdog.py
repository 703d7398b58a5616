"""A process that outlives its parent just long enough to stop what the parent started.

It reads lines from standard input: `+ PID SIGNAL WAVE` (watch this process) and `- PID` (it ended).
When the input closes, because the parent ended in whatever way, kill -9 included, it sends each
process its signal, wave by wave, and kills what is still there.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress

WAVE_SECONDS = 6.0
POLL_SECONDS = 0.05


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    watched: dict[int, tuple[int, int]] = {}
    for line in sys.stdin:
        action, pid, *rest = line.split()
        if action == "+":
            watched[int(pid)] = (int(rest[0]), int(rest[1]))
        else:
            watched.pop(int(pid), None)
    for wave in sorted({wave for _, wave in watched.values()}):
        _end({pid: how for pid, (how, its_wave) in watched.items() if its_wave == wave})


def _end(processes: dict[int, int]) -> None:
    for pid, how in processes.items():
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, how)
    until = time.monotonic() + WAVE_SECONDS
    while time.monotonic() < until and any(_alive(pid) for pid in processes):
        time.sleep(POLL_SECONDS)
    for pid in processes:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # an ended process that nobody has asked for yet is not alive
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return True


if __name__ == "__main__":
    main()

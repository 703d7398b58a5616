"""Stops a stack from outside."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from deploy.local.claim import is_claimed, is_supervisor
from deploy.local.state import read_state

STOP_SECONDS = 90.0


def stop(folder: Path) -> bool:
    """Ask the stack to stop and wait until its last process has ended. False: nothing ran.

    Raises TimeoutError.
    """
    if not is_claimed(folder):
        return False
    pid = read_state(folder).supervisor_pid
    if pid and is_supervisor(pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_SECONDS
    while is_claimed(folder) or (pid and is_supervisor(pid)):
        if time.monotonic() > until:
            raise TimeoutError(f"the stack (pid {pid}) did not stop in {STOP_SECONDS:.0f} s")
        time.sleep(0.1)
    return True

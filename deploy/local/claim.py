"""One stack a folder at a time: a lock that lasts until the last process of a stack has ended."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from deploy.local.state import read_state

LOCK_SECONDS = 40.0
"""How long processes of a stack whose parent was killed may take to end."""


class TakenError(Exception):
    """A stack runs in this folder."""


@contextlib.contextmanager
def claimed(folder: Path, say: Callable[[str], None]) -> Iterator[int]:
    """Hold the folder's lock; gives its file descriptor, for the watchdog to hold as well.

    Raises TakenError.
    """
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        until = time.monotonic() + LOCK_SECONDS
        told = False
        while not _locked(lock):
            pid = read_state(folder).supervisor_pid
            if pid and is_supervisor(pid):
                raise TakenError(
                    f"a stack runs here already (pid {pid}): `leadscore status` shows it, "
                    "`leadscore down` stops it"
                )
            if time.monotonic() > until:
                raise TakenError(f"some process of an earlier stack still holds {folder}/lock")
            if not told:
                say("waiting for the last stack's processes to end")
                told = True
            time.sleep(0.1)
        yield lock
    finally:
        os.close(lock)


def is_claimed(folder: Path) -> bool:
    """Whether a stack, or what is left of one, runs in this folder."""
    if not (folder / "lock").exists():
        return False
    lock = os.open(folder / "lock", os.O_RDWR)
    try:
        return not _locked(lock)
    finally:
        os.close(lock)


def _locked(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_running(pid: int) -> bool:
    """Whether a process with this number exists and has not ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return True


def is_supervisor(pid: int) -> bool:
    """Whether this process is a `leadscore up`, and not another that got its number since."""
    if not is_running(pid):
        return False
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True
    return b"leadscore" in command or b"services.cli" in command

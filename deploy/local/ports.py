"""Free ports on this machine: the one used last time if it is free, else the default, else any."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from pathlib import Path

HOST = "127.0.0.1"
_claims: dict[int, int] = {}
"""Ports that this process has claimed: number to the file descriptor of its lock."""


def is_free(port: int) -> bool:
    """Whether a server could listen on it now (a port in TIME_WAIT counts as free)."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose(*wishes: int, taken: set[int]) -> int:
    """The first wish that is free and not in `taken`, else any free port; adds it to `taken`.

    No other stack of this user chooses it while this process lives.
    """
    for wish in wishes:
        if wish and wish not in taken and is_free(wish) and _claim(wish):
            taken.add(wish)
            return wish
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((HOST, 0))
            found = int(probe.getsockname()[1])
        if found not in taken and _claim(found):
            taken.add(found)
            return found


def _claim(port: int) -> bool:
    """Keep other stacks from choosing it before our server listens; lasts as long as we live."""
    if port in _claims:
        return True
    try:
        lock = os.open(_claim_file(port), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        return True  # another user's file: we can't ask, so we take the risk
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    _claims[port] = lock
    return True


def _claim_file(port: int) -> Path:
    folder = Path(tempfile.gettempdir()) / f"leadscore-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder / str(port)


def answers(port: int, timeout_seconds: float = 0.5) -> bool:
    """Whether something takes connections on it."""
    try:
        with socket.create_connection((HOST, port), timeout_seconds):
            return True
    except OSError:
        return False

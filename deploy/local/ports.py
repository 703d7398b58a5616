"""Free ports on this machine: the one used last time if it is free, else the default, else any."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


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
    """The first wish that is free and not in `taken`, else any free port; adds it to `taken`."""
    port = next((wish for wish in wishes if wish and wish not in taken and is_free(wish)), 0)
    while not port:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((HOST, 0))
            found = int(probe.getsockname()[1])
        port = 0 if found in taken else found
    taken.add(port)
    return port


def answers(port: int, timeout_seconds: float = 0.5) -> bool:
    """Whether something takes connections on it."""
    try:
        with socket.create_connection((HOST, port), timeout_seconds):
            return True
    except OSError:
        return False

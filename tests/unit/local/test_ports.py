"""Ports: the known one if it is free, else the default, else any."""

from __future__ import annotations

import socket
import subprocess
import sys

from deploy.local.ports import HOST, answers, choose, is_free


def test_a_free_wish_is_granted_and_a_taken_one_is_not() -> None:
    """Whoever listens keeps the port; the next wish is looked at."""
    with socket.socket() as server:
        server.bind((HOST, 0))
        server.listen()
        port = server.getsockname()[1]
        assert answers(port)
        assert not is_free(port)
        taken: set[int] = set()
        other = choose(port, taken=taken)
        assert other != port
        assert other in taken
    assert choose(port, taken=taken) == port


def test_no_port_is_given_twice() -> None:
    """Two programs of one stack never wish for the same and both get it."""
    taken: set[int] = set()
    first = choose(taken=taken)
    assert choose(first, taken=taken) != first


def test_two_stacks_starting_at_once_choose_different_ports() -> None:
    """A port is claimed from when it is chosen, long before its server listens."""
    port = choose(taken=set())
    code = f"from deploy.local.ports import choose; print(choose({port}, taken=set()))"
    other = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert int(other) != port

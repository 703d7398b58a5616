"""Ports: the known one if it is free, else the default, else any."""

from __future__ import annotations

import socket

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

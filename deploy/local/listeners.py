"""Who listens on a port of this machine, as Linux tells it in /proc."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LISTENS = "0A"


def held_by_another(port: int, ours: frozenset[int]) -> str:
    """In words, who listens there when none of `ours` does; "" when nobody or one of ours does.

    ours: pids of processes that lead a group of their own; who is in such a group is ours, too.
    Where there is no /proc, or it is closed to us, nothing is known and the answer is "".
    """
    pids = _pids_of(_sockets(port))
    if not pids or any(pid in ours or _group(pid) in ours for pid in pids):
        return ""
    return f"another program (pid {pids[0]}, {_name(pids[0])})"


def _sockets(port: int) -> set[str]:
    """The sockets that listen on the port, as `/proc/PID/fd` names them."""
    found = set()
    for table in _TABLES:
        with suppress(OSError):
            for line in table.read_text().splitlines()[1:]:
                _, local, _, state, *rest = line.split()
                if state == _LISTENS and int(local.rpartition(":")[2], 16) == port:
                    found.add(f"socket:[{rest[5]}]")
    return found


def _pids_of(sockets: set[str]) -> list[int]:
    """The processes that have one of these sockets open, as far as we may look."""
    found = []
    for folder in Path("/proc").glob("[0-9]*/fd") if sockets else ():
        with suppress(OSError):
            for each in folder.iterdir():
                with suppress(OSError):
                    if str(each.readlink()) in sockets:
                        found.append(int(folder.parent.name))
                        break
    return sorted(found)


def _group(pid: int) -> int:
    with suppress(OSError):
        return os.getpgid(pid)
    return 0


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return "unknown"

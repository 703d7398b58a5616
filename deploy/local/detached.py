"""`leadscore up --detach`: the same `up` in a session of its own; we watch it until it is ready."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from deploy.local.state import read_state
from deploy.local.up import Wish


def start_detached(folder: Path, wish: Wish) -> int:
    """Start, show what it prints until the stack is ready; the exit code: 0 when it is."""
    logs = folder / "logs"
    folder.mkdir(mode=0o711, exist_ok=True)
    logs.mkdir(exist_ok=True)
    command = [sys.executable, "-P", "-m", "services.cli", "up", "--scorers", str(wish.scorers)]
    command += ["--fresh"] if wish.fresh else []
    with (logs / "up.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder.parent,
        )
    with (logs / "up.log").open() as told:
        while True:
            code = process.poll()
            state = read_state(folder)
            ready = state.ready and state.supervisor_pid == process.pid
            sys.stdout.write(told.read())
            sys.stdout.flush()
            if code is not None:
                return code or 1
            if ready and _said_all(told.tell(), logs / "up.log"):
                return 0
            time.sleep(0.1)


def _said_all(position: int, log: Path) -> bool:
    """Whether the summary, its last words, was written and shown."""
    size = log.stat().st_size
    return position >= size and b"leadscore down" in log.read_bytes()

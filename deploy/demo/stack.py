"""The stack the demo talks to: found by .leadscore/local.json, or started."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

STATE = ".leadscore"
START_SECONDS = 600  # the first start downloads a broker
READY_SECONDS = 30.0  # a process of a running stack may just be starting again


class NoStackError(Exception):
    """There is no stack to talk to, and none could be started."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What local.json tells. `folder` is where it lies."""

    folder: Path
    ingest_url: str
    api_url: str
    kafka_bootstrap_servers: str
    write_key: str
    api_token: str
    sendgrid_private_key_pem: str

    def ready(self) -> bool:
        """Whether ingest and the read API are both ready; waited for if one of them lives."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            answers = [_answer(f"{url}/readyz") for url in (self.ingest_url, self.api_url)]
            if answers == [True, True]:
                return True
            if answers == [None, None] or time.monotonic() > deadline:
                return False
            time.sleep(0.2)


def _answer(url: str) -> bool | None:
    """True for a success, False for another answer, None for no answer."""
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return None


def find_stack(start: Path) -> Stack | None:
    """The stack of this folder or the nearest one above it; None if there is no local.json."""
    for folder in (start, *start.parents):
        path = folder / STATE / "local.json"
        if path.is_file():
            told = json.loads(path.read_text())
            names = [name for name in Stack.__dataclass_fields__ if name != "folder"]
            missing = [name for name in names if not told.get(name)]
            if missing:
                raise NoStackError(f"{path} does not tell {', '.join(missing)}")
            return Stack(folder=path.parent, **{name: told[name] for name in names})
    return None


def running_stack(start: Path, say: Callable[[str], None]) -> Stack:
    """A stack that is ready: the one that runs, else one started with `leadscore up --detach`.

    Raises NoStackError with the reason.
    """
    stack = find_stack(start)
    if stack is not None and stack.ready():
        say(f"Using the stack that runs at {stack.ingest_url}")
        return stack
    say("No stack runs here: starting one with `leadscore up --detach`")
    command = Path(sysconfig.get_path("scripts")) / "leadscore"
    program = [str(command)] if command.exists() else [sys.executable, "-m", "services.cli"]
    try:
        started = subprocess.run(  # noqa: S603 - our own command line
            [*program, "up", "--detach"], cwd=start, timeout=START_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoStackError(f"leadscore up --detach failed: {error}") from error
    stack = find_stack(start)
    if started.returncode != 0 or stack is None or not stack.ready():
        raise NoStackError(f"leadscore up --detach ended with {started.returncode}")
    say("The stack stays up after the demo; `leadscore down` stops it")
    return stack

"""Child processes: started in sessions of their own, watched, and stopped in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

LOG_BYTES_KEPT = 20_000_000


@dataclass(frozen=True, slots=True)
class Program:
    """What to run. Wave 0 stops before wave 1. `user`: (uid, gid) to run as, else ours."""

    name: str
    command: tuple[str, ...]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 15.0
    wave: int = 0
    user: tuple[int, int] | None = None
    cwd: Path | None = None


class Watchdog:
    """The process that stops the children when we are gone. `keep_open`: file descriptors it holds
    as long as it lives, so that a lock lasts until the last child has ended.
    """

    def __init__(self, keep_open: tuple[int, ...] = ()) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, str(Path(__file__).with_name("watchdog.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=keep_open,
            text=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def watch(self, pid: int, program: Program) -> None:
        self._say(f"+ {pid} {int(program.stop_signal)} {program.wave}")

    def forget(self, pid: int) -> None:
        self._say(f"- {pid}")

    def close(self) -> None:
        """Let it go; it stops whatever is still watched."""
        with suppress(OSError):
            self._process.communicate(timeout=30)

    def _say(self, line: str) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()


class Child:
    """One running program."""

    def __init__(self, program: Program, watchdog: Watchdog) -> None:
        self.program = program
        self._watchdog = watchdog
        program.log.parent.mkdir(parents=True, exist_ok=True)
        _rotate(program.log)
        user, group = program.user or (None, None)
        with program.log.open("ab") as log:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603
                program.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **program.environment},
                cwd=program.cwd,
                start_new_session=True,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )
        watchdog.watch(self._process.pid, program)

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code once it ended (negative: the signal), else None."""
        code = self._process.poll()
        if code is not None:
            self._watchdog.forget(self.pid)
        return code

    def stop(self) -> None:
        """Ask it to end, and kill it when it doesn't in time."""
        with suppress(ProcessLookupError):
            self._process.send_signal(self.program.stop_signal)
        try:
            self._process.wait(self.program.stop_seconds)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        self.poll()

    def last_words(self, lines: int = 15) -> str:
        """The end of its log."""
        with suppress(OSError), self.program.log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 8000))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
        return ""


class ChildEndedError(Exception):
    """A program ended while we waited for it; the message has the end of its log."""

    def __init__(self, child: Child, code: int) -> None:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        super().__init__(f"{child.program.name} ended ({how}):\n{child.last_words()}")


def _rotate(log: Path) -> None:
    with suppress(OSError):
        if log.stat().st_size > LOG_BYTES_KEPT:
            log.replace(log.with_suffix(".log.1"))

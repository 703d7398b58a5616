"""Children: started again when they die, stopped in order, and by the watchdog if need be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.claim import TakenError, claimed, is_claimed, is_running
from deploy.local.process import Child, Program, Watchdog
from deploy.local.state import LocalState, write_state
from deploy.local.supervisor import FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS, Supervisor


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    """A watchdog that is let go afterwards."""
    dog = Watchdog()
    yield dog
    dog.close()


class Clock:
    """A clock that a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def _program(tmp_path: Path, name: str, script: str) -> Program:
    return Program(name, ("/bin/sh", "-c", script), tmp_path / f"{name}.log", stop_seconds=0.5)


def _wait_until_ended(supervisor: Supervisor) -> None:
    until = time.monotonic() + 60
    while not supervisor.look():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_dead_child_is_started_again_after_a_growing_wait(
    tmp_path: Path, watchdog: Watchdog
) -> None:
    """0.5 s, 1 s, 2 s, up to the longest; each death and start is told."""
    clock, told = Clock(), list[str]()
    supervisor = Supervisor(watchdog, told.append, clock)
    supervisor.start(_program(tmp_path, "router", "exit 3"))
    wait = FIRST_WAIT_SECONDS
    for _ in range(8):
        _wait_until_ended(supervisor)
        assert supervisor.pids == {}
        assert f"exit code 3); starting it again in {wait:g} s" in told[-1]
        clock.now += wait - 0.01
        assert not supervisor.look()
        clock.now += 0.02
        assert supervisor.look()
        assert "started again" in told[-1]
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)
    supervisor.stop(lambda _: 0)


def test_children_stop_in_order(tmp_path: Path, watchdog: Watchdog) -> None:
    """One after the other: the second is still there when the first says goodbye."""
    out = tmp_path / "said"
    supervisor = Supervisor(watchdog, lambda _: None)
    for name in ("b", "a", "c"):
        script = (
            f"trap 'echo {name} >> {out}; exit 0' TERM; echo ready; while :; do sleep 0.02; done"
        )
        child = supervisor.start(_program(tmp_path, name, script))
        while "ready" not in child.last_words():
            time.sleep(0.01)
    supervisor.stop(lambda name: "abc".index(name))
    assert out.read_text().split() == ["a", "b", "c"]


def test_a_child_that_does_not_stop_is_killed(tmp_path: Path, watchdog: Watchdog) -> None:
    """After its time is up."""
    child = Child(_program(tmp_path, "deaf", "trap '' TERM; echo ready; exec sleep 60"), watchdog)
    while "ready" not in child.last_words():
        time.sleep(0.01)
    child.stop()
    assert child.poll() == -signal.SIGKILL


def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """kill -9 of the parent: the watchdog stops what it had started."""
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from deploy.local.process import Child, Program, Watchdog\n"
        "program = Program('x', ('sleep', '60'), Path(sys.argv[1]))\n"
        "print(Child(program, Watchdog()).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "x.log")], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert is_running(pid)
        parent.kill()
        until = time.monotonic() + 60
        while is_running(pid):
            assert time.monotonic() < until
            time.sleep(0.02)


def test_a_folder_is_held_by_one_stack_at_a_time(tmp_path: Path) -> None:
    """Also by what is left of one: the lock lives as long as the watchdog."""
    assert not is_claimed(tmp_path)
    with claimed(tmp_path, lambda _: None) as lock:
        dog = Watchdog((lock,))
        assert is_claimed(tmp_path)
    assert is_claimed(tmp_path)
    dog.close()
    assert not is_claimed(tmp_path)


def test_a_running_stack_is_named(tmp_path: Path) -> None:
    """The error has the number of the process that holds the folder."""
    with subprocess.Popen(["sh", "-c", ": leadscore up; sleep 60; :"]) as other:
        write_state(tmp_path, LocalState(supervisor_pid=other.pid))
        with (
            claimed(tmp_path, lambda _: None),
            pytest.raises(TakenError, match=str(other.pid)),
            claimed(tmp_path, lambda _: None),
        ):
            pass
        os.kill(other.pid, signal.SIGKILL)

"""Runs the parts of `make test` one after the other, and says how long each took.

Each part runs whatever became of those before it; the exit code is 1 when any of them failed.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
PYTEST = (str(BIN / "pytest"), "-q", "--durations=5", "--durations-min=2")
NO_TESTS = 5  # pytest's exit code when it found none
LONGEST_SECONDS = 1400.0  # a command that takes longer hangs, and is interrupted
GOODBYE_SECONDS = 60.0  # then it may stop what it started and say where it was

PARTS: dict[str, list[tuple[str, ...]]] = {
    "check": [
        (str(BIN / "ruff"), "format", "--check", "."),
        (str(BIN / "ruff"), "check", "."),
        (str(BIN / "mypy"),),
        (str(BIN / "lint-imports"),),
        (sys.executable, "-m", "tests.licences"),
    ],
    "unit": [(*PYTEST, "tests/unit")],
    "contract": [(*PYTEST, "tests/contract")],
    # Much of it is waiting: for brokers that stop, for processes that start. So two at a time.
    "integration": [(*PYTEST, "-n2", "--dist=loadfile", "tests/integration")],
    "e2e": [(*PYTEST, "tests/e2e", "tests/show")],
    "fault": [(*PYTEST, "tests/fault")],
}


def main(names: list[str]) -> int:
    """Run the named parts; 0 when all of them held."""
    outcome: list[tuple[str, bool, float]] = []
    for name in names:
        print(f"\n=== {name}", flush=True)
        since = time.monotonic()
        held = all([_run(command) for command in PARTS[name]])  # noqa: C419 - run every one
        outcome.append((name, held, time.monotonic() - since))
    print("\n=== parts")
    for name, held, seconds in outcome:
        print(f"{name:12} {seconds:7.1f} s  {'held' if held else 'FAILED'}")
    passed = sum(held for _, held, _ in outcome)
    print(f"{passed} passed, {len(outcome) - passed} failed", flush=True)
    return 0 if passed == len(outcome) else 1


def _run(command: tuple[str, ...]) -> bool:
    shown = " ".join((Path(command[0]).name, *command[1:]))
    print(f"--- {shown}", flush=True)
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        code = process.wait(LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"interrupted after {LONGEST_SECONDS:.0f} s: {shown}", flush=True)
        _end(process)
        return False
    except KeyboardInterrupt:  # Ctrl-C reached the command too
        _end(process)
        raise
    return code == 0 or (code == NO_TESTS and "pytest" in command[0])


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GOODBYE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:] or list(PARTS)))

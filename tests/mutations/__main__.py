"""`make mutations`: plant each fault of faults.py in a copy of the tree, and see a test go red.

The exit code is 1 when a fault survives, when its text isn't found exactly once, or when a test is
red without any fault. ARGS="-k WORDS" tries only faults whose description or file contains them.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutations.fault import Fault
from tests.mutations.faults import FAULTS

ROOT = Path(__file__).parent.parent.parent
COPIED = ("services", "shared", "deploy", "docs", "tests", "pyproject.toml", "Makefile")
GREEN, RED = 0, 1
SEED = 1
TIMES = 4  # the usual examples, until the fault shows


def main(arguments: list[str]) -> int:
    """0 when every fault was caught."""
    parser = argparse.ArgumentParser(prog="make mutations", description=__doc__)
    parser.add_argument(
        "-k", default="", help="only faults whose description or file contains this"
    )
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args(arguments)
    faults = [fault for fault in FAULTS if asked.k in f"{fault.breaks} {fault.file}"]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        copies: queue.Queue[Path] = queue.Queue()
        for number in range(asked.processes):
            copies.put(_copy(Path(place) / str(number)))

        def tried(fault: Fault | str) -> str:
            copy = copies.get()
            try:
                return _control(copy, fault) if isinstance(fault, str) else _try(copy, fault)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(asked.processes) as pool:
            tests = sorted({fault.caught_by for fault in faults})
            wrong = []
            for one, told in zip(
                [*tests, *faults], pool.map(tried, [*tests, *faults]), strict=True
            ):
                name = one if isinstance(one, str) else one.breaks
                print(f"{told or 'as it should be':50} {name}", flush=True)
                wrong += [name] if told else []
    print(f"{len(faults)} faults, {len(wrong)} wrong, {time.monotonic() - began:.0f} s")
    return 1 if wrong or not faults else 0


def _copy(place: Path) -> Path:
    place.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, place / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
            )
        elif source.exists():
            shutil.copy(source, place / name)
    return place


def _control(copy: Path, test: str) -> str:
    """Without a fault the test is green. Returns what is wrong, "" for nothing."""
    return "" if _run(copy, test, 1) == GREEN else "RED WITHOUT A FAULT"


def _try(copy: Path, fault: Fault) -> str:
    path = copy / fault.file
    if not path.exists():
        return f"NO FILE {fault.file}"
    before = path.read_text()
    found = before.count(fault.text)
    if found != 1:
        return f"TEXT FOUND {found} TIMES in {fault.file}"
    path.write_text(before.replace(fault.text, fault.planted))
    try:
        code = _run(copy, fault.caught_by, TIMES)
    finally:
        path.write_text(before)
    return {RED: "", GREEN: "SURVIVED"}.get(code, f"pytest ended with {code}")


def _run(copy: Path, test: str, times: int) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
               f"--hypothesis-seed={SEED}", test]  # fmt: skip
    environment = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "LEADSCORE_EXAMPLES": str(times),
        "LEADSCORE_FIRST_FAULT": "1",
    }
    return subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

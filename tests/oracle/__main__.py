"""`make test-deep`: the core against the oracle with tens of thousands of random examples.

Rounds of other random seeds, two processes at a time; says how far it is after each round. The
exit code is 1 when a round found a difference, whose smallest example is then printed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TESTS = (
    "tests/unit/scorer/test_against_oracle.py",
    "tests/unit/scorer/test_clock_walk.py",
    "tests/unit/scorer/test_signals_and_machines.py",
)
USUAL = 1100  # examples of all tests together in an everyday run
TIMES = 2


def main(arguments: list[str]) -> int:
    """Run the rounds; 0 when core and oracle agreed in all."""
    parser = argparse.ArgumentParser(prog="make test-deep", description=__doc__)
    parser.add_argument("--examples", type=int, default=20_000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the first round")
    asked = parser.parse_args(arguments)
    rounds = -(-asked.examples // (USUAL * TIMES))
    began, tried, failed = time.monotonic(), 0, 0
    with ThreadPoolExecutor(asked.processes) as pool:
        running = [pool.submit(_round, asked.seed + number) for number in range(rounds)]
        for done, one in enumerate(as_completed(running), start=1):
            seed, code, told = one.result()
            tried += USUAL * TIMES
            if code:
                failed += 1
                print(told)
            passed = time.monotonic() - began
            left = passed / done * (rounds - done)
            print(
                f"{tried:6} of {rounds * USUAL * TIMES} examples, seed {seed}: "
                f"{'DIFFERENT' if code else 'equal'}; {passed:.0f} s, about {left:.0f} s to go",
                flush=True,
            )
    print(f"{rounds - failed} rounds equal, {failed} different")
    return 1 if failed else 0


def _round(seed: int) -> tuple[int, int, str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
               f"--hypothesis-seed={seed}", *TESTS]  # fmt: skip
    environment = {**os.environ, "LEADSCORE_EXAMPLES": str(TIMES)}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return seed, ran.returncode, ran.stdout + ran.stderr


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

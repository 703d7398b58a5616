"""`make beacon`: beacon.min.js made of beacon.js by terser, in the locked version."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.sdks.installing import environment, npm_packages

INGEST = Path(__file__).parents[2] / "services" / "ingest"
SOURCE, SERVED = INGEST / "beacon.js", INGEST / "beacon.min.js"
# ES2017, as the source is; nothing that changes what it does.
OPTIONS = ("--ecma", "2017", "--compress", "passes=3,unsafe_arrows=true", "--mangle")


def minified() -> str:
    """What beacon.js is as small as it gets, with a line end."""
    terser = npm_packages() / ".bin" / "terser"
    made = subprocess.run(
        [str(terser), str(SOURCE), *OPTIONS],
        env=environment(), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return made.stdout.rstrip("\n") + "\n"


def main() -> int:
    SERVED.write_text(minified())
    print(f"{SERVED.name}: {SERVED.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())

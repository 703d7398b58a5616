"""Where the SDKs are: Python's in the venv, npm's installed beside these files when first asked."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
_LOCK = FOLDER / "package-lock.json"
_DONE = MODULES / ".package-lock.json"
_BIN = Path(sys.executable).parent


@cache
def npm_packages() -> Path:
    """The folder of the locked npm packages; `npm ci` makes it, with the Node of the venv."""
    with (FOLDER / "package.json").open() as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not _DONE.exists() or _DONE.stat().st_mtime < _LOCK.stat().st_mtime:
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(
                command, cwd=FOLDER, env=environment(), capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0, done.stdout + done.stderr
    return MODULES


def environment() -> dict[str, str]:
    """With the venv's Node first."""
    return {**os.environ, "PATH": f"{_BIN}{os.pathsep}{os.environ['PATH']}"}


def command(script: str, *arguments: str) -> list[str]:
    """What runs a script of this folder."""
    if script.endswith(".mjs"):
        npm_packages()
        return [str(_BIN / "node"), str(FOLDER / script), *arguments]
    return [sys.executable, str(FOLDER / script), *arguments]

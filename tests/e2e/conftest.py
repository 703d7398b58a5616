"""The whole system, started by its own command and spoken to through its front doors.

Nothing here imports the project: what is known of it stands in `.leadscore/local.json`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser

from tests.browser import chromium

SCORERS = 3
START_SECONDS = 300
READY_SECONDS = 60


@dataclass(frozen=True)
class Local:
    """A running stack. `folder` holds its .leadscore/."""

    folder: Path
    # One for all requests: making a client costs more than most requests.
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30), repr=False)

    def __getitem__(self, name: str) -> Any:
        return self.told[name]

    @property
    def told(self) -> dict[str, Any]:
        """What local.json says now."""
        read: dict[str, Any] = json.loads((self.folder / ".leadscore/local.json").read_text())
        return read

    def run(self, *command: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `leadscore …` or `python …` in the stack's folder, as a person would."""
        program, *arguments = command
        path = sys.executable if program == "python" else _script(program)
        return subprocess.run(
            [path, *arguments],
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def api(self, path: str) -> dict[str, Any]:
        """GET from the read API. Fails on any answer but 200."""
        headers = {"Authorization": f"Bearer {self['api_token']}"}
        answer = self.http.get(f"{self['api_url']}{path}", headers=headers)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        read: dict[str, Any] = json.loads(answer.text)
        return read


def environment() -> dict[str, str]:
    """Ours, without what would point the stack elsewhere; its scripts come first in PATH."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LEADSCORE_")
        and name not in {"KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"}
    }
    return {**kept, "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{kept['PATH']}"}


def _script(name: str) -> str:
    return str(Path(sysconfig.get_path("scripts")) / name)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Chromium, or the test is not run."""
    async with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def local() -> Iterator[Local]:
    """One stack with three scorers for all tests that ask; each test brings its own people.

    Its folder is not one of pytest's: as root, the database's user must get there, and every run of
    pytest shuts others out of them all.
    """
    folder = Path(tempfile.mkdtemp(prefix="leadscore-e2e-")).resolve()
    local = Local(folder)
    # Output goes to a file: processes of the stack may keep a pipe open for ever.
    with (folder / "up.txt").open("w") as output:
        started = subprocess.run(
            [_script("leadscore"), "up", "--detach", "--scorers", str(SCORERS)],
            cwd=folder,
            env=environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=START_SECONDS,
            check=False,
        )
    assert started.returncode == 0, (folder / "up.txt").read_text()
    try:
        _until_ready(local)
        yield local
    finally:
        local.run("leadscore", "down")
        shutil.rmtree(folder)


def _until_ready(local: Local) -> None:
    deadline = time.monotonic() + READY_SECONDS
    for url in (local["ingest_url"], local["api_url"]):
        while not local.http.get(f"{url}/readyz").is_success:
            assert time.monotonic() < deadline, f"{url} did not become ready"
            time.sleep(0.1)

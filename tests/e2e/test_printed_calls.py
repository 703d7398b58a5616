"""What `leadscore up` prints to copy is copied into a shell, as it stands."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

from tests.e2e.conftest import Local, environment
from tests.e2e.people import eventually

# A call begins at a line with `curl` and goes on as long as lines end in a backslash.
_CALL = re.compile(r"^ *(curl(?:.*\\\n)*.*)$", re.MULTILINE)


def test_the_printed_calls_work(local: Local) -> None:
    """The first is answered 200, and makes the lead that the second one asks for."""
    printed = (local.folder / "up.txt").read_text()
    track, leads = _CALL.findall(printed)
    assert shell(local, track) == (200, {"success": True})

    def found() -> Any:
        status, told = shell(local, leads)
        assert status == 200
        return told["items"]

    (lead,) = eventually(found, "the lead of the printed call is there")
    assert lead["identifiers"]["email"] == ["ada@example.com"]


def test_the_printed_snippet_names_a_script_that_is_there(local: Local) -> None:
    """The tracker is served at the printed address, and the printed key is the local one."""
    (snippet,) = re.findall(r"<script .*</script>", (local.folder / "up.txt").read_text())
    source, key = re.findall(r'(?:src|data-write-key)="([^"]+)"', snippet)
    assert key == local["write_key"]
    answer = local.http.get(source)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")


def shell(local: Local, call: str) -> tuple[int, Any]:
    """Run a printed call: status and body of the answer."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{call} -sS -w '\\n%{{http_code}}'"],
        cwd=local.folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)

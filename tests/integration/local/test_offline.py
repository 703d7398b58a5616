"""After the first run `leadscore up` needs no network; --fresh starts a whole stack empty."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

START_SECONDS = 180
CUT_OFF = ("unshare", "--net", "sh", "-euc")

# Runs where there is no network but loopback, and asks from there: nobody else gets in.
SCRIPT = r"""
ip link set lo up
leadscore() { "$PYTHON" -P -m services.cli "$@"; }
value() { "$PYTHON" -c "import json; print(json.load(open('.leadscore/local.json'))['$1'])"; }
leads() {
  curl -sS -H "Authorization: Bearer $(value api_token)" "$(value api_url)/v1/leads"
}
if ip route get 192.0.2.1 2>/dev/null; then exit 1; fi  # no way out but loopback
leadscore up --detach --scorers 1
trap 'leadscore down' EXIT
curl -sS -u "$(value secret_key):" "$(value ingest_url)/v1/track" -d \
  '{"userId":"u1","event":"Demo Requested","context":{"traits":{"email":"ada@example.com"}}}'
for _ in $(seq 100); do leads | grep -q ada@example.com && break; sleep 0.2; done
leads | grep -q ada@example.com
key=$(value write_key)
leadscore down
leadscore up --detach --fresh --scorers 1
test "$(value write_key)" = "$key"
echo "leads: $(leads)"
"""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the database's user can get to, which pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix="leadscore-offline-")).resolve()
    yield folder
    shutil.rmtree(folder)


def _can_cut_off() -> bool:
    if not shutil.which("unshare") or not shutil.which("ip") or not shutil.which("curl"):
        return False
    return subprocess.run([*CUT_OFF, "ip link set lo up"], capture_output=True).returncode == 0


def test_it_starts_without_network_and_fresh_starts_empty(place: Path) -> None:
    """In a network namespace of its own: an event becomes a lead; --fresh then knows nobody, and
    the keys are the same.
    """
    if not _can_cut_off():
        pytest.skip("not run: only root may make a network namespace here")
    kept = {name: value for name, value in os.environ.items() if "LEADSCORE_" not in name}
    # Output goes to a file: processes of the stack may keep a pipe open for ever.
    with (place / "said.txt").open("w") as output:
        done = subprocess.run(
            [*CUT_OFF, SCRIPT],
            cwd=place,
            env={**kept, "PYTHON": sys.executable},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=START_SECONDS,
            check=False,
        )
    said = (place / "said.txt").read_text()
    assert done.returncode == 0, said
    assert '{"success":true}' in said.replace(" ", "")
    (told,) = (line for line in said.splitlines() if line.startswith("leads: "))
    assert '"items":[]' in told.replace(" ", "")

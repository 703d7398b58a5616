"""`leadscore up` and its sisters, as a person uses them: real servers, real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared.settings import Settings

COMMAND = (sys.executable, "-P", "-m", "services.cli")
START_SECONDS = 180


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder in which a stack runs, shared by the tests of this module.

    Not one of pytest's: as root, the database's user must get there, and pytest shuts others out.
    """
    folder = Path(tempfile.mkdtemp(prefix="leadscore-place-")).resolve()
    started = _leadscore(folder, "up", "--detach", "--scorers", "2")
    assert started.returncode == 0, started.stdout + started.stderr
    yield folder
    _leadscore(folder, "down")
    assert _processes_of(folder) == []
    shutil.rmtree(folder)


def test_local_json_tells_what_was_started(place: Path) -> None:
    """Tools find addresses and keys there; it is readable by its owner alone."""
    file = place / ".leadscore" / "local.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    told = _told(place)
    for name in ("ingest_url", "api_url", "kafka_bootstrap_servers", "database_url", "write_key"):
        assert told[name]
    for name in ("secret_key", "api_token", "hash_key", "sendgrid_private_key_pem"):
        assert len(told[name]) > 20
    assert set(told["pids"]) == {
        *("kafka", "postgres", "ingest", "console", "router", "scorer-1", "scorer-2")
    }


def test_an_event_sent_to_it_becomes_a_lead(place: Path) -> None:
    """The keys that local.json tells open the doors, and the road between them is whole."""
    _track(_told(place), "ada@example.com")
    _wait_for(lambda: _leads(_told(place), "ada@example.com"), "the lead")


def test_status_and_doctor_are_content(place: Path) -> None:
    """Exit code 0 from both while all is well."""
    status = _leadscore(place, "status")
    assert status.returncode == 0, status.stdout
    doctor = _leadscore(place, "doctor")
    assert doctor.returncode == 0, doctor.stdout
    for name in ("broker", "topic lead-events", "migrations", "ruleset", "clock", "scorer-2"):
        assert f"✓ {name}" in doctor.stdout


def test_a_second_stack_in_the_same_folder_is_refused(place: Path) -> None:
    """The message says what runs already, and how to stop it."""
    refused = _leadscore(place, "up")
    assert refused.returncode == 1
    assert "leadscore down" in refused.stderr


def test_a_service_that_dies_is_started_again(place: Path) -> None:
    """kill -9 of the router: a new one is ready soon, and the death is on record."""
    before = _told(place)["pids"]["router"]
    os.kill(before, signal.SIGKILL)
    _wait_for(lambda: _told(place)["pids"].get("router", before) != before, "another router")
    _wait_for(lambda: _leadscore(place, "status").returncode == 0, "all to be ready")
    record = (place / ".leadscore" / "logs" / "supervisor.log").read_text()
    assert "router ended (signal 9)" in record


def test_doctor_finds_what_does_not_answer(place: Path) -> None:
    """A process that hangs is named, with its log, and the exit code is 1."""
    pid = _told(place)["pids"]["scorer-2"]
    os.kill(pid, signal.SIGSTOP)
    try:
        found = _leadscore(place, "doctor")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert found.returncode == 1
    assert "✗ scorer-2" in found.stdout
    assert "scorer-2.log" in found.stdout
    assert "✓ scorer-1" in found.stdout


def test_after_kill_9_of_the_parent_nothing_stays_and_the_data_does(place: Path) -> None:
    """The children end by themselves; the next start has the same data, keys and ports."""
    before = _told(place)
    _track(before, "grace@example.com")
    os.kill(before["supervisor_pid"], signal.SIGKILL)
    _wait_for(lambda: _processes_of(place) == [], "every process to end")
    assert "✗ local stack" in _leadscore(place, "doctor").stdout

    started = _leadscore(place, "up", "--detach", "--scorers", "1")
    assert started.returncode == 0, started.stdout + started.stderr
    after = _told(place)
    for name in ("write_key", "secret_key", "api_token", "hash_key", "sendgrid_public_key"):
        assert after[name] == before[name]
    assert after["ingest_url"] == before["ingest_url"]
    assert _leads(after, "ada@example.com")
    _wait_for(lambda: _leads(after, "grace@example.com"), "the event acknowledged before")


def test_servers_named_by_the_environment_are_used_instead(
    settings: Settings, tmp_path: Path
) -> None:
    """No broker and no database of its own; Ctrl-C stops the services and leaves the servers."""
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "LEADSCORE_TOPIC_PREFIX": settings.topic_prefix,
        "LEADSCORE_EVENT_PARTITIONS": str(settings.event_partitions),
    }
    with subprocess.Popen(
        [*COMMAND, "up", "--scorers", "1"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "leadscore down" in line:
                break
        told = _told(tmp_path)
        pids = set(told["pids"])
        process.send_signal(signal.SIGINT)
        said += process.stdout.read()
    assert pids == {"ingest", "console", "router", "scorer-1"}, said
    assert told["kafka_bootstrap_servers"] == settings.kafka_bootstrap_servers
    assert process.returncode == 0, said
    assert _processes_of(tmp_path) == []
    assert _told(tmp_path)["pids"] == {}


def _leadscore(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words],
        cwd=place,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def _told(place: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((place / ".leadscore" / "local.json").read_text())
    return told


def _track(told: dict[str, Any], email: str) -> None:
    body = {"userId": email, "event": "Demo Requested", "context": {"traits": {"email": email}}}
    request = urllib.request.Request(
        f"{told['ingest_url']}/v1/track",
        json.dumps({**body, "writeKey": told["write_key"]}).encode(),
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert json.load(answer) == {"success": True}


def _leads(told: dict[str, Any], email: str) -> list[Any]:
    request = urllib.request.Request(
        f"{told['api_url']}/v1/leads?email={email}",
        headers={"Authorization": f"Bearer {told['api_token']}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        items: list[Any] = json.load(answer)["items"]
    return items


def _wait_for(condition: Callable[[], object], what: str, seconds: float = 90.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def _processes_of(place: Path) -> list[str]:
    """Whatever still runs that works in this folder or was told of it."""
    found = []
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        with suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            if str(place) in f"{process.cwd()} {' '.join(process.cmdline())}":
                found.append(f"{process.pid} {' '.join(process.cmdline())[:120]}")
    return found

"""What `leadscore doctor` says of servers that are away, and of ports that others have."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local import doctor
from deploy.local.doctor import broker_checks, database_checks, process_checks
from deploy.local.report import Check, print_checks
from deploy.local.state import LocalState
from shared.settings import Settings

LISTEN = (
    "import socket, time\n"
    "server = socket.create_server(('127.0.0.1', 0))\n"
    "print(server.getsockname()[1], flush=True)\n"
    "time.sleep(60)\n"
)


@contextmanager
def listener() -> Iterator[tuple[int, int]]:
    """A program that holds a port, leading a group of its own: (pid, port)."""
    with subprocess.Popen(
        [sys.executable, "-c", LISTEN], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.kill()


def settings_for(kafka: int = 1, postgres: int = 1) -> Settings:
    return Settings.model_validate(
        {
            "kafka_bootstrap_servers": f"127.0.0.1:{kafka}",
            "database_url": f"postgresql://u:secret@127.0.0.1:{postgres}/d",
            "hash_key": "a key for tests only, 32 bytes..",
        }
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_broker_that_is_away_is_named_with_its_setting() -> None:
    """Its address, and the variable that names it; topics aren't asked for then."""
    (found,) = broker_checks(settings_for(kafka=(port := free_port())))
    assert not found.ok
    assert (found.name, f"127.0.0.1:{port} does not answer" in found.detail) == ("broker", True)
    assert "KAFKA_BOOTSTRAP_SERVERS" in found.remedy
    assert "leadscore up" in found.remedy


def test_a_database_that_is_away_is_named_without_its_password() -> None:
    """Its address, and the variable that names it; nothing else is asked for then."""
    (found,) = database_checks(settings_for(postgres=(port := free_port())))
    assert not found.ok
    assert (found.name, f"127.0.0.1:{port}/d can't be used" in found.detail) == ("database", True)
    assert "DATABASE_URL" in found.remedy
    assert "secret" not in found.detail + found.remedy


def test_a_broker_that_takes_connections_and_says_nothing_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The doctor gives up in time: a black hole is as good as nobody."""
    monkeypatch.setattr(doctor, "ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (found,) = broker_checks(settings_for(kafka=silent.getsockname()[1]))
    assert not found.ok
    assert "TimeoutError" in found.detail


def test_a_port_that_another_program_took_is_named_with_the_service_it_belongs_to() -> None:
    """The service, the port, who has it, and both ways out."""
    with listener() as (pid, port):
        state = _running(port, router_pid=0)
        found = _by_name(process_checks(state))["router"]
    assert not found.ok
    assert f"its port {port} is taken by another program (pid {pid}, python" in found.detail
    assert "Stop that program: router" in found.remedy
    assert "leadscore down" in found.remedy


def test_a_port_that_the_service_itself_has_is_not_taken() -> None:
    """Then the finding is about the service: this one listens and never answers HTTP."""
    with listener() as (pid, port):
        found = _by_name(process_checks(_running(port, router_pid=pid)))["router"]
    assert not found.ok
    assert "taken" not in found.detail
    assert "router.log" in found.remedy


def test_before_a_start_ports_that_others_took_are_named() -> None:
    """Pages that name the port would stop working; what is left of our own stack is not meant."""
    with listener() as (pid, port):
        state = LocalState(ports={"ingest": port, "router": free_port()})
        found = _by_name(process_checks(state))
        assert set(found) == {"local stack", f"port {port}"}
        assert "leadscore up --detach" in found["local stack"].remedy
        assert f"ingest's, is taken by another program (pid {pid}" in found[f"port {port}"].detail
        state.pids = {"ingest": pid}
        assert set(_by_name(process_checks(state))) == {"local stack"}


def test_what_is_wrong_is_printed_with_its_remedy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A remedy stands below what it mends, and nowhere else."""
    assert not print_checks([Check("a", True, "fine", "never"), Check("b", False, "bad", "do it")])
    assert capsys.readouterr().out == "✓ a: fine\n✗ b: bad\n    do it\n"


def test_without_a_stack_the_command_says_how_to_start_one(tmp_path: Path) -> None:
    """Exit code 1, and nothing but that."""
    kept = {name: value for name, value in os.environ.items() if "LEADSCORE" not in name}
    kept = {k: v for k, v in kept.items() if k not in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "services.cli", "doctor"],
        cwd=tmp_path,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.startswith("✗ settings")
    assert "`leadscore up`" in done.stdout


def _running(port: int, router_pid: int) -> LocalState:
    return LocalState(
        supervisor_pid=os.getpid(),
        ports={"router": port},
        pids={"router": router_pid},
        router_url=f"http://127.0.0.1:{port}",
        ingest_url="http://127.0.0.1:1",
        api_url="http://127.0.0.1:1",
    )


def _by_name(checks: Iterator[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}

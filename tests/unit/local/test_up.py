"""What `leadscore up` forgets when asked to, and what it prints to copy from."""

from __future__ import annotations

import io
import shlex
import stat
from pathlib import Path

from rich.console import Console

from deploy.local.state import LocalState, read_state, write_state
from deploy.local.summary import print_summary
from deploy.local.up import close_to_others, empty


def test_fresh_forgets_the_data_and_keeps_the_keys(tmp_path: Path) -> None:
    """Snippets in web pages go on working."""
    state = LocalState()
    state.make_keys()
    write_state(tmp_path, state)
    for name in ("kafka", "postgres", "logs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "some").write_text("data")
    empty(tmp_path)
    assert not (tmp_path / "kafka").exists()
    assert not (tmp_path / "postgres").exists()
    assert read_state(tmp_path).write_key == state.write_key


def test_logs_and_events_are_for_their_owner_alone(tmp_path: Path) -> None:
    """The keys stand in the log of a detached start, and people's events in Kafka's data."""
    (tmp_path / "logs").mkdir(mode=0o755)
    close_to_others(tmp_path)
    for name in ("logs", "kafka"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700


def test_what_is_printed_can_be_copied_from_a_narrow_terminal(tmp_path: Path) -> None:
    """No line is broken by us: a call cut in two would not run."""
    state = LocalState(ingest_url="http://127.0.0.1:8080", api_url="http://127.0.0.1:8081")
    state.make_keys()
    written = io.StringIO()
    print_summary(Console(file=written, width=60), state, tmp_path, 12.3)
    lines = [line.strip() for line in written.getvalue().splitlines()]
    snippet = (
        f'<script async src="http://127.0.0.1:8080/beacon.js" data-write-key="{state.write_key}" '
        'data-consent="granted"></script>'
    )
    assert snippet in lines
    asking = next(line for line in lines if line.startswith("curl -H"))
    assert shlex.split(asking)[1:] == [
        "-H",
        f"Authorization: Bearer {state.api_token}",
        "http://127.0.0.1:8081/v1/leads/find",
        "-H",
        "Content-Type: application/json",
        "-d",
        '{"email":"ada@example.com"}',
    ]

"""What a person sees while the stack starts."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from deploy.local import steps as module
from deploy.local.steps import Steps


def test_a_step_is_one_line_with_its_detail_and_time() -> None:
    """Written when it ends; not at all when it fails, for the error says what went wrong."""
    written = io.StringIO()
    steps = Steps(Console(file=written, width=80))
    with steps.step("topics") as tell:
        tell("5 made")
        assert written.getvalue() == ""
    assert re.fullmatch(r"✓ topics: 5 made \(\d\.\d s\)\n", written.getvalue())
    with pytest.raises(OSError, match="no"), steps.step("migrations"):
        raise OSError("no")
    assert "migrations" not in written.getvalue()


def test_a_terminal_shows_a_bar_while_something_downloads() -> None:
    """Its name, how many of how many are there, and a bar that grows."""
    written = io.StringIO()
    steps = Steps(Console(file=written, width=80, force_terminal=True, color_system=None))
    with steps.downloading("Kafka's jars") as progress:
        for done in (0, 17, 34):
            progress(done, 34)
    lines = [line for line in re.split(r"[\r\n]", written.getvalue()) if "34/34" in line]
    assert re.search(r"Kafka's jars +━+ 34/34 +\d+:\d\d:\d\d", lines[-1])


def test_a_log_gets_a_line_every_few_seconds_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    """None for each file, and none for the last: the step's own line follows."""
    now = 100.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    written = io.StringIO()
    with Steps(Console(file=written, width=80)).downloading("Kafka's jars") as progress:
        for done in range(1, 35):
            progress(done, 34)
            now += 1
    told = [line.strip() for line in written.getvalue().splitlines()]
    assert told == [f"Kafka's jars: {done} of 34" for done in range(5, 34, 4)]

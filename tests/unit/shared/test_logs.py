"""Logs: one form for all, without addresses of people."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from shared.logs import configure_logs, mask_addresses
from shared.settings import Settings


@pytest.fixture
def logs() -> Iterator[None]:
    """Puts back what a test does to the logs."""
    root = logging.getLogger()
    handlers, level, hook = root.handlers[:], root.level, sys.excepthook
    yield
    root.handlers[:], root.level, sys.excepthook = handlers, level, hook
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("DETAIL: Key (value)=(ada@example.com) exists", "DETAIL: Key (value)=([address]) exists"),
        ("to ada.b+c@mail.example.co.uk, bob@x.org", "to [address], [address]"),
        ("postgresql://u@host/db", "postgresql://u@host/db"),
        ("no address", "no address"),
    ],
)
def test_addresses_are_masked(text: str, masked: str) -> None:
    """Whatever a database or a library quotes in its errors."""
    assert mask_addresses(None, "error", {"event": text, "n": 1}) == {"event": masked, "n": 1}


def test_structlog_and_the_standard_library_write_the_same_json(
    logs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """With service, level and time; exceptions are masked too."""
    configure_logs(Settings(kafka_bootstrap_servers="k", database_url="d", hash_key="x" * 16), "s")
    structlog.get_logger("mine").info("taken", count=3)
    try:
        raise ValueError("bad: ada@example.com")
    except ValueError:
        logging.getLogger("theirs").exception("failed for %s", "ada@example.com")
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (first["event"], first["count"], first["service"]) == ("taken", 3, "s")
    assert second["event"] == "failed for [address]"
    assert "ada@" not in json.dumps(second)
    assert {"level", "timestamp", "logger"} <= first.keys() & second.keys()


def test_the_error_that_ends_a_process_is_a_masked_line_too(
    logs: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Python's own traceback would show what a database quotes of its rows."""
    configure_logs(Settings(kafka_bootstrap_servers="k", database_url="d", hash_key="x" * 16), "s")
    try:
        raise ValueError("DETAIL: Failing row contains (ada@example.com)")
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["level"], told["error_class"]) == ("critical", "ValueError")
    assert "Failing row contains ([address])" in told["exception"]
    assert "ada@" not in line

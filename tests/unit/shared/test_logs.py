"""Logs: one form for all, without addresses of people."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
from asyncpg.exceptions import UniqueViolationError

from shared.logs import configure_logs, mask_addresses
from shared.settings import Settings
from shared.tracebacks import format_exception


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
    quoted = "Ada " + "Lovelace"
    try:
        raise ValueError(f"DETAIL: {quoted}")
    except ValueError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["level"], told["error_class"]) == ("critical", "ValueError")
    assert "test_logs.py" in told["exception"]
    assert "what it says is left out" in told["exception"]
    assert quoted not in line


class _OurError(Exception):
    pass


_OurError.__module__ = "services.scorer.batch"


def test_what_our_own_errors_say_is_told_and_what_others_quote_is_not() -> None:
    """The cause comes first; a database's names of tables and constraints are told."""
    quoted = "Ada " + "Lovelace"
    try:
        try:
            raise UniqueViolationError(f"DETAIL: Key (value)=({quoted}) exists")
        except UniqueViolationError as error:
            error.constraint_name = "identifier_pkey"
            raise _OurError("partition 3 is lost") from error
    except _OurError as error:
        record = format_exception(None, "error", {"exc_info": error})
    said = record["exception"]
    assert quoted not in said
    assert "UniqueViolationError (what it says is left out, sqlstate=23505" in said
    assert "constraint_name=identifier_pkey" in said
    assert said.endswith("services.scorer.batch._OurError: partition 3 is lost")


def test_groups_of_errors_are_told_one_by_one() -> None:
    """Task groups raise them."""
    group = ExceptionGroup("two", [KeyError("Ada"), _OurError("away")])
    said = format_exception(None, "error", {"exc_info": group})["exception"]
    assert "Ada" not in said
    assert "KeyError (" in said
    assert "_OurError: away" in said

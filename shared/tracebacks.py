"""Errors as they stand in logs: where and of which class, without data that they quote."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator, MutableMapping
from types import TracebackType
from typing import Any

# Errors that we make choose their words; all others may quote a person: Postgres whole rows,
# Python the text that is no number or the key that is missing.
_OURS = ("services", "shared", "deploy")
# What a database says beside its message that is a name of the schema, never a value.
_NAMES = ("sqlstate", "schema_name", "table_name", "column_name", "constraint_name")
_LONGEST_CHAIN = 20


def told(
    exc_info: tuple[type[BaseException], BaseException, TracebackType | None],
) -> str:
    """The traceback with its causes, oldest first, as Python writes it; but an error's message
    only where the class is ours.
    """
    return "\n".join(_lines(exc_info[1], _LONGEST_CHAIN))


def format_exception(
    _logger: object, _method: str, record: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A processor of structlog: `exc_info` becomes `exception`, by `told`."""
    exc_info = record.pop("exc_info", None)
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    elif exc_info and not isinstance(exc_info, tuple):
        exc_info = sys.exc_info()
    if exc_info and exc_info[1] is not None:
        record["exception"] = told(exc_info)
    return record


def _lines(error: BaseException, more: int) -> Iterator[str]:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and more:
        yield from _lines(before, more - 1)
        yield "which led to:"
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):"
        yield from (line.rstrip() for line in traceback.format_tb(error.__traceback__))
    yield _headline(error)
    if isinstance(error, BaseExceptionGroup) and more:
        for one in error.exceptions:
            yield from _lines(one, more - 1)


def _headline(error: BaseException) -> str:
    kind = type(error)
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else (f"{kind.__module__}.{kind.__qualname__}")
    )
    if kind.__module__.partition(".")[0] in _OURS:
        return f"{name}: {error}"
    source = getattr(error, "orig", None) or error
    known = [f"{each}={value}" for each in _NAMES if (value := getattr(source, each, None))]
    return f"{name} ({', '.join(['what it says is left out', *known])})"

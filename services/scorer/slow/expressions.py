"""Expressions of the Common Expression Language: what can't be worked out is false."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

from services.scorer.slow.fields import Plain

VARIABLES = ("type", "source", "properties", "context", "consent", "identifiers")


def is_true(expression: str, event: Plain, traits: Plain) -> bool:
    """Is an expression true of an event? Needs the library of the extra `cel`."""
    known = {name: event.get(name, {}) for name in VARIABLES}
    known["identifiers"] = {kind: value for kind, value in known["identifiers"].items() if value}
    try:
        return _program(expression).execute({**known, "traits": traits}) is True
    except Exception:  # noqa: BLE001 - an old event may hold anything
        return False
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # the library's own, which is no Exception
            return False
        raise


@lru_cache(maxsize=1000)
def _program(expression: str) -> Any:
    return import_module("cel").compile(expression)

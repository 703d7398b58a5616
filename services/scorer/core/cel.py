"""Conditions written as expressions of the Common Expression Language.

What an expression can't be worked out for, such as a field that is missing, makes it false.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shared.envelope import Event
from shared.ruleset.expressions import VARIABLES, compile_program

# An error of the library itself, which is no Exception.
_PANIC = "PanicException"


def compile_expression(text: str) -> Callable[[Event, Mapping[str, Any]], bool]:
    """The expression as a check; only true counts. Raises NoLibraryError, ValueError."""
    program = compile_program(text)
    wanted = [name for name in VARIABLES if name in set(program.variables())]

    def check(event: Event, traits: Mapping[str, Any]) -> bool:
        try:
            found = program.execute({name: _value(name, event, traits) for name in wanted})
        except Exception:  # noqa: BLE001 - an old event may hold anything
            return False
        except BaseException as error:
            if type(error).__name__ == _PANIC:
                return False
            raise
        return found is True

    return check


def _value(name: str, event: Event, traits: Mapping[str, Any]) -> Any:
    if name == "traits":
        return dict(traits)
    value = getattr(event, name)
    return msgspec.to_builtins(value) if name == "identifiers" else value

"""Expressions of the Common Expression Language, and the extra library that reads them."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

VARIABLES = ("type", "source", "properties", "context", "consent", "identifiers", "traits")

_TRAIT = re.compile(r"\btraits\.([A-Za-z_][A-Za-z0-9_]*)")


class NoLibraryError(Exception):
    """The library isn't installed here."""


def compile_program(text: str) -> Any:
    """The expression as a program with execute(variables), of common-expression-language.

    Raises NoLibraryError, and ValueError for what is no expression.
    """
    try:
        library = import_module("cel")
    except ImportError:
        raise NoLibraryError("common-expression-language is not installed") from None
    return library.compile(text)


def expression_fault(text: str) -> tuple[str, str] | None:
    """(message, remedy) when an expression can't be used here, else None."""
    try:
        variables = set(compile_program(text).variables())
    except NoLibraryError as error:
        return str(error), "install leadscore[cel], or write the condition with fields"
    except ValueError as error:
        return f"not an expression: {str(error).splitlines()[-1][:200]}", "see https://cel.dev"
    unknown = sorted(variables - set(VARIABLES))
    if unknown:
        return f"there is no {unknown[0]}", f"use {', '.join(VARIABLES)}"
    return None


def traits_in(text: str) -> set[str]:
    """The traits that an expression names as traits.NAME."""
    return set(_TRAIT.findall(text))

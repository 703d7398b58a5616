"""Reads a ruleset: YAML in, a checked document out, or errors that name line, path and remedy."""

from __future__ import annotations

import types
import typing
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shared.ruleset.checks import Fault, faults_of
from shared.ruleset.document import RulesetDocument
from shared.ruleset.errors import RulesetError, RulesetErrors
from shared.ruleset.fields import did_you_mean
from shared.ruleset.yaml_tree import Path, Tree, read_tree, written

__all__ = ["RulesetError", "RulesetErrors", "read_ruleset"]

_MOST_ERRORS = 50
# What a union of kinds, and the keys of mappings, add to the path of a fault.
_NO_KEYS = frozenset(
    {"[key]", "str", "int", "float", "bool", "<number>", "<from>", "<word>", "<top>"}
)


def read_ruleset(text: str) -> RulesetDocument:
    """Read and check a ruleset. Raises RulesetErrors with every fault found (at most 50)."""
    tree = read_tree(text)
    if not isinstance(tree.value, dict):
        raise RulesetErrors(
            [RulesetError(1, 1, "", "a ruleset is a mapping", "start with models: and stages:")]
        )
    try:
        document = RulesetDocument.model_validate(tree.value)
    except ValidationError as error:
        found = [_translated(detail, tree) for detail in error.errors(include_url=False)]
        raise RulesetErrors(found[:_MOST_ERRORS]) from None
    faults = faults_of(document)
    if faults:
        raise RulesetErrors([_placed(fault, tree) for fault in faults[:_MOST_ERRORS]])
    return document


def _placed(fault: Fault, tree: Tree) -> RulesetError:
    line, column = tree.place(fault.path)
    return RulesetError(line, column, written(fault.path), fault.message, fault.remedy)


def _translated(detail: ErrorDetails, tree: Tree) -> RulesetError:
    path: Path = tuple(part for part in detail["loc"] if part not in _NO_KEYS)
    line, column = tree.place(path)
    message, remedy = _worded(detail, path)
    return RulesetError(line, column, written(path), message, remedy)


def _worded(detail: ErrorDetails, path: Path) -> tuple[str, str]:
    kind = detail["type"]
    context = detail.get("ctx", {})
    if "remedy" in context:
        return detail["msg"], str(context["remedy"])
    if kind == "extra_forbidden":
        known = _keys_at(path[:-1])
        remedy = did_you_mean(str(path[-1]), known) or f"known here: {', '.join(known)}"
        return f"unknown key {path[-1]!r}", remedy
    if kind == "missing":
        return f"{path[-1]} is missing", f"add {path[-1]}:"
    if kind == "string_pattern_mismatch":
        return (
            f"{detail['input']!r} can't be a name",
            "use letters, digits, - and _, at most 64, beginning with a letter or digit",
        )
    if kind == "literal_error":
        return f"{detail['input']!r} isn't known here", f"use {context.get('expected', '')}"
    if kind == "model_type":
        return f"{_shown(detail['input'])} can't stand here", "write keys and values below it"
    message = detail["msg"].replace("Input should be", "this should be")
    return f"{message}, not {_shown(detail['input'])}", ""


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _keys_at(path: Path) -> list[str]:
    """The keys that the document's model knows at a path."""
    part: Any = RulesetDocument
    for step in path:
        part = _inner(part, step)
    model = _model_of(part)
    if model is None:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _inner(part: Any, step: str | int) -> Any:
    model = _model_of(part)
    if model is not None:
        for name, field in model.model_fields.items():
            if step == (field.alias or name):
                return field.annotation
        return None
    for inner in _alternatives(part):
        arguments = typing.get_args(inner)
        if typing.get_origin(inner) in {dict, list} and arguments:
            return arguments[-1]
    return None


def _model_of(part: Any) -> type[BaseModel] | None:
    for inner in _alternatives(part):
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            return inner
    return None


def _alternatives(part: Any) -> list[Any]:
    origin = typing.get_origin(part)
    if origin is typing.Annotated:
        return _alternatives(typing.get_args(part)[0])
    if origin in {typing.Union, types.UnionType}:
        return [each for inner in typing.get_args(part) for each in _alternatives(inner)]
    return [part]

"""Which parts of a message's data a receiver gets: never more than is there. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.outbound.kinds import ALWAYS_TOLD, Fields

_Paths = Sequence[tuple[str, ...]]


def selected(fields: Fields, data: dict[str, Any]) -> dict[str, Any]:
    """The included paths, or all but the excluded. A path through a list goes through each of its
    items. What receivers order messages by always stays.
    """
    if fields.include:
        wanted = [*fields.include, *ALWAYS_TOLD]
        return dict(_only(data, [tuple(each.split(".")) for each in wanted]))
    if fields.exclude:
        return dict(_without(data, [tuple(each.split(".")) for each in fields.exclude]))
    return data


def _only(data: Any, paths: _Paths) -> Any:
    if isinstance(data, list):
        return [_only(each, paths) for each in data if isinstance(each, dict)]
    if not isinstance(data, dict):
        return None  # nothing is below it
    kept = {}
    for name, value in data.items():
        below = [path[1:] for path in paths if path[0] == name]
        if () in below:
            kept[name] = value
        elif below:
            kept[name] = _only(value, below)
    return kept


def _without(data: Any, paths: _Paths) -> Any:
    if isinstance(data, list):
        return [_without(each, paths) for each in data]
    if not isinstance(data, dict):
        return data
    kept = {}
    for name, value in data.items():
        below = [path[1:] for path in paths if path[0] == name]
        if () in below:
            continue
        kept[name] = _without(value, below) if below else value
    return kept

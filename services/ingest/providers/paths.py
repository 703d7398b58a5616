"""Paths into JSON documents, as mappings write them: order.items[*].name, a["odd name"], [0].

A small part of JSONPath (RFC 9535): names, places, and all of a list. No filters, no recursion.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

STEPS = 12
FOUND = 200

_STEP = re.compile(r"""\.?([A-Za-z_$@][\w\-$@]*)|\[(\d{1,4})\]|\[(\*)\]|\["([^"\]]{1,100})"\]""")
_ALL = object()
_Step = Any  # a name, a place, or _ALL


@lru_cache(maxsize=4096)
def steps_of(path: str) -> tuple[_Step, ...]:
    """The steps of a path. Raises ValueError that says where it can't be read."""
    steps: list[_Step] = []
    at = 2 if path.startswith("$.") else 1 if path.startswith("$") else 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or (found[1] and steps and path[at] != ".") or len(steps) >= STEPS:
            raise ValueError(f"the path {path!r} can't be read at character {at + 1}")
        name, place, every, quoted = found.groups()
        steps.append(int(place) if place else _ALL if every else name or quoted)
        at = found.end()
    if not steps:
        raise ValueError("a path is empty")
    return tuple(steps)


def value_at(document: Any, path: str) -> Any:
    """What stands there: None for nothing, a list where the path has [*]."""
    steps = steps_of(path)
    found = [document]
    for step in steps:
        reached: list[Any] = []
        for one in found:
            if step is _ALL:
                reached += one if isinstance(one, list) else ()
            elif isinstance(step, int):
                reached += [one[step]] if isinstance(one, list) and step < len(one) else ()
            elif isinstance(one, dict) and step in one:
                reached.append(one[step])
        found = reached[:FOUND]
    if _ALL in steps:
        return found
    return found[0] if found else None

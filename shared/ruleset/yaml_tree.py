"""YAML read into plain values, with the place of each, and with bounds on what it may unfold to.

Plain scalars are read as in YAML 1.2: only true and false are booleans, so that `on`, `no` and the
country NO stay text; dates stay text. Aliases work; what they unfold to is counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from shared.ruleset.errors import RulesetError, RulesetErrors

MAX_BYTES = 1_000_000
MAX_NODES = 100_000
MAX_DEPTH = 40

Path = tuple[str | int, ...]
Place = tuple[int, int]

# Styles of scalars that are text whatever they look like.
_QUOTED = ("'", '"', "|", ">")
_INTEGER = re.compile(r"[-+]?[0-9]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]{1,40}(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass
class Tree:
    """value: dicts, lists and scalars · places: line and column of each path, from 1."""

    value: Any
    places: dict[Path, Place] = field(default_factory=dict)

    def place(self, path: Path) -> Place:
        """Where a path stands, or the nearest part above it that does.

        A single item may stand in place of a list of one: its 0 is left out there.
        """
        found: Path = ()
        for part in path:
            if (*found, part) in self.places:
                found = (*found, part)
            elif part != 0:
                break
        return self.places.get(found, (1, 1))


def read_tree(text: str) -> Tree:
    """Parse a YAML document. Raises RulesetErrors: not YAML, too big, a key given twice."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise _refused(1, 1, "the text is not Unicode", "save it as UTF-8") from None
    if size > MAX_BYTES:
        raise _refused(1, 1, f"the text is larger than {MAX_BYTES:,} bytes", "split it")
    try:
        _check_depth(text)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise _not_yaml(error) from None
    if root is None:
        raise _refused(1, 1, "the document is empty", "start with models: and stages:")
    reader = _Reader()
    tree = Tree(reader.value_of(root, (), 0), reader.places)
    if reader.errors:
        raise RulesetErrors(reader.errors)
    return tree


def written(path: Path) -> str:
    """A path as people write it: models.engagement.rules[3].points."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _check_depth(text: str) -> None:
    """Bounds nesting before anything recurses over it."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        if isinstance(event, yaml.events.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.events.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or count > 2 * MAX_NODES:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise _refused(line, 1, "the document is too deep or too large", "split it")


class _Reader:
    def __init__(self) -> None:
        self.places: dict[Path, Place] = {}
        self.errors: list[RulesetError] = []
        self._nodes = 0

    def value_of(self, node: yaml.Node, path: Path, depth: int) -> Any:
        self._nodes += 1
        place = node.start_mark.line + 1, node.start_mark.column + 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise _refused(*place, "aliases unfold to too much", "write the parts out")
        self.places.setdefault(path, place)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.value_of(item, (*path, number), depth + 1)
                for number, item in enumerate(node.value)
            ]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key, value in node.value:
            place = key.start_mark.line + 1, key.start_mark.column + 1
            inner = (*path, str(key.value) if isinstance(key, yaml.ScalarNode) else "?")
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                self._fault(place, inner, "this key can't be used", "write the keys out")
                continue
            if key.value in values:
                self._fault(place, inner, "this key is given twice", "keep one of them")
                continue
            self.places[inner] = place
            values[key.value] = self.value_of(value, inner, depth + 1)
        return values

    def _scalar(self, node: yaml.Node) -> Any:
        text = str(node.value)
        if getattr(node, "style", None) in _QUOTED:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        return float(text) if _FLOAT.fullmatch(text) else text

    def _fault(self, place: Place, path: Path, message: str, remedy: str) -> None:
        self.errors.append(RulesetError(*place, written(path), message, remedy))


def _refused(line: int, column: int, message: str, remedy: str) -> RulesetErrors:
    return RulesetErrors([RulesetError(line, column, "", message, remedy)])


def _not_yaml(error: yaml.YAMLError) -> RulesetErrors:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
    context = getattr(error, "context", None)
    message = f"this is not YAML: {problem}" + (f" {context}" if context else "")
    return _refused(
        line, column, message, "check the indentation, and quote text that holds : # { [ * or &"
    )

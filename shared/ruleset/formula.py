"""Formulas of combined scores: numbers, names of models, + - *, / by a number, min, max, ( )."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_DEPTH = 30

_TOKEN = re.compile(
    r"\s*(?:([0-9]+(?:\.[0-9]*)?|\.[0-9]+)|([A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*)|([-+*/(),]))"
)
_FUNCTIONS = ("min", "max")


class FormulaError(ValueError):
    """What is wrong with a formula, in words."""


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Score:
    """The score of another model."""

    model: str


@dataclass(frozen=True, slots=True)
class Call:
    """An operation over parts. name: +, -, * (two parts), min or max (two or more)."""

    name: str
    parts: tuple[Node, ...]


Node = Number | Score | Call


def parse(text: str) -> Node:
    """Read a formula. Raises FormulaError."""
    reader = _Reader(_words(text))
    node = reader.sum_of(0)
    if reader.ahead is not None:
        raise FormulaError(f"{reader.ahead!r} is out of place")
    return node


def weighted(weights: dict[str, float]) -> Node:
    """A weighted sum as a formula, in the order of the weights."""
    terms = [Call("*", (Number(float(weight)), Score(name))) for name, weight in weights.items()]
    node: Node = terms[0]
    for term in terms[1:]:
        node = Call("+", (node, term))
    return node


def models_in(node: Node) -> list[str]:
    """The models that a formula reads, each once, in order."""
    if isinstance(node, Score):
        return [node.model]
    parts = node.parts if isinstance(node, Call) else ()
    return list(dict.fromkeys(name for part in parts for name in models_in(part)))


def _words(text: str) -> list[str]:
    words = []
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise FormulaError(f"{text[at:].strip()[:20]!r} can't be read")
        words.append(found[0].strip())
        at = found.end()
    return words


class _Reader:
    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._at = 0

    @property
    def ahead(self) -> str | None:
        return self._words[self._at] if self._at < len(self._words) else None

    def _take(self) -> str:
        word = self.ahead
        if word is None:
            raise FormulaError("the formula ends too soon")
        self._at += 1
        return word

    def _expect(self, word: str) -> None:
        if self._take() != word:
            raise FormulaError(f"a {word!r} is missing")

    def sum_of(self, depth: int) -> Node:
        node = self._product(depth)
        while self.ahead in {"+", "-"}:
            name = self._take()
            node = Call(name, (node, self._product(depth)))
        return node

    def _product(self, depth: int) -> Node:
        node = self._factor(depth)
        while self.ahead in {"*", "/"}:
            name = self._take()
            factor = self._factor(depth)
            if name == "/":
                if not isinstance(factor, Number) or not factor.value:
                    raise FormulaError("only a number other than 0 may follow /")
                node = Call("*", (node, Number(1.0 / factor.value)))
            else:
                node = Call("*", (node, factor))
        return node

    def _factor(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise FormulaError("the formula is too deep")
        word = self._take()
        if word == "-":
            part = self._factor(depth + 1)
            if isinstance(part, Number):
                return Number(-part.value)
            return Call("-", (Number(0.0), part))
        if word == "(":
            node = self.sum_of(depth + 1)
            self._expect(")")
            return node
        if word[0].isdigit() or word[0] == ".":
            return Number(float(word))
        if word in _FUNCTIONS and self.ahead == "(":
            return self._call(word, depth)
        if not word[0].isalpha():
            raise FormulaError(f"{word!r} is out of place")
        return Score(word)

    def _call(self, name: str, depth: int) -> Node:
        self._expect("(")
        parts = [self.sum_of(depth + 1)]
        while self.ahead == ",":
            self._take()
            parts.append(self.sum_of(depth + 1))
        self._expect(")")
        if len(parts) < 2:
            raise FormulaError(f"{name} needs two parts or more")
        return Call(name, tuple(parts))

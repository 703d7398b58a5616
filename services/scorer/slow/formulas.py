"""Formulas of combined scores, worked out while they are read."""

from __future__ import annotations

import re
from collections.abc import Mapping

_WORD = re.compile(r"\s*([0-9]*\.?[0-9]+\.?|[A-Za-z][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*|[-+*/(),])")


def computed(formula: str, scores: Mapping[str, float]) -> float:
    """The value of a formula: numbers, names of scores, + - * /, min, max, parentheses."""
    return _Reading(_WORD.findall(formula), scores).sum()


class _Reading:
    """The words not yet read, the next one last."""

    def __init__(self, words: list[str], scores: Mapping[str, float]) -> None:
        self.words, self.scores = words[::-1], scores

    def _next_is(self, *words: str) -> bool:
        return bool(self.words) and self.words[-1] in words

    def sum(self) -> float:
        value = self._product()
        while self._next_is("+", "-"):
            sign = 1 if self.words.pop() == "+" else -1
            value += sign * self._product()
        return value

    def _product(self) -> float:
        value = self._factor()
        while self._next_is("*", "/"):
            divided = self.words.pop() == "/"
            factor = self._factor()
            value = value / factor if divided else value * factor
        return value

    def _factor(self) -> float:
        word = self.words.pop()
        if word == "-":
            return -self._factor()
        if word == "(":
            return self._listed()[0]
        if word in ("min", "max") and self._next_is("("):
            self.words.pop()
            return (min if word == "min" else max)(self._listed())
        return self.scores[word] if word[0].isalpha() else float(word)

    def _listed(self) -> list[float]:
        """Sums up to the closing parenthesis."""
        values = [self.sum()]
        while self.words.pop() == ",":
            values.append(self.sum())
        return values

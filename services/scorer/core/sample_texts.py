"""Texts that a pattern matches, made from the pattern: for globs and for regular expressions.

They are guesses, tried against the real test by whoever asks. A regular expression is read only as
far as it takes to write a match down; what can't be read has no samples.
"""

from __future__ import annotations

import string

import re2

_MOST = 8
# Tried in this order for a class of characters: a letter is the likeliest.
_PROBES = "x1 X-_./@" + string.printable + "é"
_NO_WIDTH = frozenset("bBAzZ")


def filled(glob: str, filler: str) -> str:
    """A text that the glob matches: filler for each run of characters, x for each single one."""
    return glob.replace("?", "x").replace("*", filler)


def texts_matching(pattern: str) -> list[str]:
    """A few texts that a regular expression (RE2) probably matches, the first branches first."""
    reader = _Reader(pattern)
    try:
        found = reader.branches()
    except (IndexError, ValueError, re2.error):
        return []
    return found if reader.at == len(pattern) else []


class _Reader:
    """Reads a pattern from left to right; each part gives the samples it may stand for."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def branches(self) -> list[str]:
        found = self._sequence()
        while self._takes("|"):
            found += self._sequence()
        return list(dict.fromkeys(found))[:_MOST]

    def _sequence(self) -> list[str]:
        parts: list[list[str]] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            parts.append(self._repeated(self._atom()))
        ways = max((len(part) for part in parts), default=1)
        return ["".join(part[min(way, len(part) - 1)] for part in parts) for way in range(ways)]

    def _repeated(self, atom: list[str]) -> list[str]:
        if self._takes("*") or self._takes("?"):
            atom = ["", *atom]
        elif self._takes("{"):
            end = self.pattern.index("}", self.at)
            least = int(self.pattern[self.at : end].split(",")[0])
            self.at = end + 1
            atom = [one * min(least, 1000) for one in atom]
        else:
            self._takes("+")
        self._takes("?")  # as few as possible
        return atom

    def _atom(self) -> list[str]:
        begun = self.at
        char = self._next()
        if char == "(":
            return self._group()
        if char in "^$":
            return [""]
        if char == "[":
            self._takes("^")
            self._takes("]")
            while self._next() != "]":
                self._skip_in_class()
        elif char == "\\":
            kind = self._next()
            if kind in _NO_WIDTH:
                return [""]
            if kind in "pP":  # a class by its name, of one letter or in braces
                braced = self._takes("{")
                self.at = self.pattern.index("}", self.at) + 1 if braced else self.at + 1
        elif char != ".":
            return [char]
        return [self._one_of(self.pattern[begun : self.at])]

    def _group(self) -> list[str]:
        if self._takes("?"):
            while (char := self._next()) not in ":>":
                if char == ")":
                    return [""]  # flags alone
        found = self.branches()
        if not self._takes(")"):
            raise ValueError(self.pattern)
        return found

    def _skip_in_class(self) -> None:
        """Past the rest of an escape or a named class, whose first character was read."""
        before = self.pattern[self.at - 1]
        if before == "\\":
            self._next()
        elif before == "[" and self._takes(":"):
            self.at = self.pattern.index(":]", self.at) + 2

    def _one_of(self, source: str) -> str:
        """A character that a class stands for."""
        options = re2.Options()
        options.log_errors = False
        whole = re2.compile(f"(?s:{source})", options).fullmatch
        for char in _PROBES + source:
            if whole(char) is not None:
                return char
        raise ValueError(source)

    def _takes(self, char: str) -> bool:
        found = self.pattern.startswith(char, self.at)
        self.at += found
        return found

    def _next(self) -> str:
        self.at += 1
        return self.pattern[self.at - 1]

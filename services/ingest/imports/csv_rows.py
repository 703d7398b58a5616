"""CSV out of pieces of text: its delimiter is found out, a broken row spoils itself alone."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import Final

from services.ingest.imports.rows import (
    COLUMN_CHARACTERS,
    COLUMNS,
    LINE_CHARACTERS,
    SHOWN_CHARACTERS,
    BadRow,
    Item,
    LineFeed,
    Row,
    surrogates_in,
)
from services.ingest.refusal import Refusal, invalid

# What may part cells; the first of these that finds the most columns in the header does.
DELIMITERS: Final = (",", ";", "\t", "|")
_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "pipe": "|"}
# The line by which Excel says what parts the cells.
_SEPARATOR_LINE = "sep="


class _MoreNeededError(Exception):
    """The text so far ends within a row."""


class _TooLongError(Exception):
    """A line, or a row of several lines, is longer than any row can be."""


class _Lines:
    """What csv.reader pulls its lines from; it remembers those of the row under way."""

    def __init__(self) -> None:
        self.waiting: deque[str | None] = deque()
        self.taken: list[str] = []
        self.final = False
        self._size = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if not self.waiting:
            if self.final:
                raise StopIteration
            raise _MoreNeededError
        line = self.waiting.popleft()
        self.taken.append(line or "")
        if line is None:
            raise _TooLongError
        self._size += len(line)
        if self._size > LINE_CHARACTERS:
            raise _TooLongError
        return line

    def begin(self) -> None:
        """A new row begins."""
        self.taken.clear()
        self._size = 0

    def put_back(self, lines: list[str]) -> None:
        self.waiting.extendleft(reversed(lines))


def delimiter_named(name: str) -> str:
    """One character, also as comma, semicolon, tab, pipe. Raises Refusal (400)."""
    found = _NAMES.get(name.lower(), name)
    if len(found) != 1 or found in '"\r\n\0':
        raise invalid(
            "delimiter_unknown", "A delimiter is one character, or comma, semicolon, tab, pipe.",
            "delimiter",
        )  # fmt: skip
    return found


class CsvFeed:
    """A RowFeed for CSV with a header.

    Cells that say more than one line, and quotes within quotes written twice, are read as RFC 4180
    has them. A row that can't be read costs its first line; reading goes on with the next.
    """

    def __init__(self, delimiter: str = "") -> None:
        self._delimiter = delimiter_named(delimiter) if delimiter else ""
        self._split = LineFeed()
        self._lines = _Lines()
        self._reader: Iterator[list[str]] | None = None
        self._number = 0
        self._names: tuple[str, ...] = ()

    def feed(self, text: str, *, final: bool = False) -> Iterator[Item]:
        lines = self._lines
        lines.waiting.extend(self._split.feed(text, final=final))
        lines.final = final
        while self._reader is not None or self._begin():
            assert self._reader is not None
            lines.begin()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except _MoreNeededError:
                lines.put_back(lines.taken)
                return
            except (csv.Error, _TooLongError) as error:
                yield self._broken(error)
                continue
            self._number += 1
            if not cells:
                continue  # an empty line
            if self._names:
                yield self._row(cells)
            else:
                self._names = _header(cells)

    def _begin(self) -> bool:
        """Find out what parts the cells, once there is a line with something in it."""
        waiting = self._lines.waiting
        while waiting:
            line = waiting[0]
            if line is None:
                raise _no_header("Its first line is too long.")
            said = line.strip()
            if said and not said.lower().startswith(_SEPARATOR_LINE):
                break
            waiting.popleft()
            self._number += 1
            if said[len(_SEPARATOR_LINE) :]:
                self._delimiter = self._delimiter or delimiter_named(said[len(_SEPARATOR_LINE) :])
        if not waiting:
            return False
        line = waiting[0]
        assert line is not None
        self._delimiter = self._delimiter or _delimiter_of(line)
        # strict: a quote in the wrong place is told, and so is one that is never closed.
        self._reader = csv.reader(self._lines, delimiter=self._delimiter, strict=True)
        return True

    def _broken(self, error: Exception) -> BadRow:
        """What is wrong with the row under way; its other lines are read anew."""
        first, *others = self._lines.taken
        self._lines.put_back(others)
        self._number += 1
        if not self._names:
            raise _no_header("Its quotes don't fit together, or it is too long.")
        return BadRow(
            self._number,
            "row_broken",
            "The row is too long." if isinstance(error, _TooLongError) else _in_words(error),
            text=first.rstrip("\r\n")[:SHOWN_CHARACTERS],
            names=self._names,
        )

    def _row(self, cells: list[str]) -> Item:
        names = self._names
        while len(cells) > len(names) and not cells[-1].strip():
            cells.pop()  # spreadsheets write empty cells behind the last column
        if len(cells) != len(names):
            message = f"The row has {len(cells)} cells, the header {len(names)}."
            shown = self._delimiter.join(cells)[:SHOWN_CHARACTERS]
            return BadRow(self._number, "cells_count", message, text=shown, names=names)
        if not (whole := "".join(cells)).isascii() and surrogates_in(whole):
            return BadRow(
                self._number,
                "encoding_wrong",
                "The row holds bytes that are none of the file's encoding: say which it is.",
                names=names,
                values=cells,
            )
        return Row(self._number, names, cells)


def _delimiter_of(line: str) -> str:
    counts = {one: len(next(csv.reader([line], delimiter=one), [])) for one in DELIMITERS}
    return max(DELIMITERS, key=lambda one: counts[one])


def _header(cells: list[str]) -> tuple[str, ...]:
    names = [cell.strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names or len(names) > COLUMNS:
        raise _no_header(f"It has 1 to {COLUMNS} columns.")
    if any(len(name) > COLUMN_CHARACTERS or surrogates_in(name) for name in names):
        raise _no_header(f"A name is too long ({COLUMN_CHARACTERS}), or in another encoding.")
    seen: set[str] = set()
    for name in filter(None, names):
        if name in seen:
            raise _no_header("Two columns have the same name.")
        seen.add(name)
    return tuple(names)


def _no_header(why: str) -> Refusal:
    return invalid("header_unreadable", f"The first row names the columns. {why}", "header")


def _in_words(error: Exception) -> str:
    if "field larger" in str(error):
        return "A cell is too long, or a quote that begins it is never closed."
    return "The quotes don't fit together: within quotes, write a quote twice."

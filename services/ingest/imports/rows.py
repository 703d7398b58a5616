"""A row of a file, whatever the file's format: what the readers give, and how they part lines."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

import msgspec

# Characters of one line, and of one record over several lines: far above what an event may have.
LINE_CHARACTERS: Final = 256 * 1024
COLUMNS: Final = 500
COLUMN_CHARACTERS: Final = 256
# So much of a line that can't be read is shown.
SHOWN_CHARACTERS: Final = 2_000


class Row(msgspec.Struct, frozen=True):
    """number: as a spreadsheet or an editor counts it, so that a CSV's header is row 1 · names:
    of the columns, the same object in all rows that have the same · values: beside them.
    """

    number: int
    names: tuple[str, ...]
    values: Sequence[Any]


class BadRow(msgspec.Struct, frozen=True):
    """A row that can't be read. code, message, path: as of a Refusal · text: how it begins, where
    it isn't a row at all · values: of a row whose columns are known.
    """

    number: int
    code: str
    message: str
    path: str = ""
    text: str = ""
    names: tuple[str, ...] = ()
    values: Sequence[Any] = ()


Item = Row | BadRow


class RowFeed(Protocol):
    """Rows out of text that comes in pieces; bounded in memory, whatever comes.

    Raises Refusal (400) where the file as a whole can't be read.
    """

    def feed(self, text: str, *, final: bool = False) -> Iterator[Item]: ...


class LineFeed:
    """Lines with their ends, out of pieces of text; None for a line that is too long."""

    def __init__(self) -> None:
        self._rest = ""
        self._skipping = False

    def feed(self, text: str, *, final: bool = False) -> list[str | None]:
        """The lines that are complete. Lines end with CR LF, LF or CR."""
        parted: list[str] = io.StringIO(self._rest + text, newline="").readlines()
        self._rest = ""
        # A CR at the end may be half of a CR LF.
        if parted and not final and not parted[-1].endswith("\n"):
            self._rest = parted.pop()
        lines: list[str | None] = []
        for line in parted:
            too_long = self._skipping or len(line) > LINE_CHARACTERS
            lines.append(None if too_long else line)
            self._skipping = False
        if len(self._rest) > LINE_CHARACTERS:
            self._skipping, self._rest = True, ""
        if final and self._skipping:
            lines.append(None)
        return lines


def surrogates_in(text: str) -> bool:
    """Does a text hold bytes that were none of its encoding's? See `decoding.py`."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False

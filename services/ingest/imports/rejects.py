"""Rejected rows on disk, with reasons, so that they can be mended and imported."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec

from services.ingest.imports.reading import Format
from services.ingest.imports.rows import BadRow
from shared.csv_cells import safe_cell

# In front of the row's own cells; imports pass over columns that begin so.
COLUMNS: Final = ("_row", "_code", "_column", "_message", "_text")


def usual_path(file: Path, format_: Format) -> Path:
    """Beside the file."""
    return file.with_name(f"{file.stem}.rejected.{'csv' if format_ == 'csv' else 'jsonl'}")


class Rejects:
    """Writes them as CSV where the file is CSV, else as JSON lines; for the owner alone to read.
    The file comes with the first row, and an old one of that name goes then.
    """

    def __init__(self, path: Path, format_: Format, keep_bytes: int = 0) -> None:
        """keep_bytes: what an earlier run wrote, up to where this one goes on."""
        self.path = path
        self._as_csv = format_ == "csv"
        self._keep = keep_bytes
        self._file: Any = None

    def __enter__(self) -> Rejects:
        if not self.path.exists() or self.path.stat().st_size < self._keep:
            self._keep = 0  # somebody took it away
        if self._keep:
            self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._file is not None:
            self._file.close()

    def _open(self) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        self._file = os.fdopen(descriptor, "r+", newline="", encoding="utf-8", errors="replace")
        self._file.truncate(self._keep)
        self._file.seek(0, os.SEEK_END)

    def write(self, rows: list[BadRow]) -> None:
        if not rows:
            return
        if self._file is None:
            self._open()
        told = [(one.number, one.code, one.path, one.message, _clean(one.text)) for one in rows]
        if not self._as_csv:
            for about, one in zip(told, rows, strict=True):
                cells = dict(zip(one.names, one.values, strict=False))
                about_row = dict(zip(COLUMNS, about, strict=True))
                self._file.write(msgspec.json.encode({**about_row, **cells}).decode() + "\n")
            return
        out = csv.writer(self._file, lineterminator="\n")
        if self._file.tell() == 0:
            out.writerow([safe_cell(cell) for cell in (*COLUMNS, *rows[0].names)])
        for about, one in zip(told, rows, strict=True):
            out.writerow([safe_cell(cell) for cell in (*about, *one.values)])

    def written_bytes(self) -> int:
        """How much is on disk now, for good."""
        if self._file is None:
            return self._keep
        self._file.flush()
        os.fsync(self._file.fileno())
        return int(self._file.tell())


def _clean(text: str) -> str:
    """Without what no encoding has."""
    return text.encode("utf-8", "replace").decode()

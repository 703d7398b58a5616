"""Exports as files: CSV that is safe to open, JSON lines, and Parquet by the extra `parquet`."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any, BinaryIO, Final, Literal, Protocol, get_args

import msgspec

from services.console.exports.rows import Exported
from shared.csv_cells import safe_cell

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
# Columns of Parquet that are no text.
_NUMBERS: Final = ("scores.", "points", "raw")


class ParquetMissingError(Exception):
    """The extra isn't installed."""


class Writer(Protocol):
    """Writes rows, some at a time."""

    def write(self, rows: Sequence[Exported]) -> None: ...

    def close(self) -> None: ...


class CsvWriter:
    """UTF-8 with a header; texts that look like formulas are quoted by an apostrophe."""

    def __init__(self, out: BinaryIO, columns: Sequence[str]) -> None:
        self._text = io.TextIOWrapper(out, "utf-8", errors="replace", newline="")
        self._writer = csv.writer(self._text, lineterminator="\r\n")
        self._writer.writerow([safe_cell(name) for name in columns])

    def write(self, rows: Sequence[Exported]) -> None:
        self._writer.writerows([safe_cell(cell) for cell in cells] for _, cells in rows)

    def close(self) -> None:
        self._text.flush()
        self._text.detach()


class JsonLinesWriter:
    """One object a line, nested as the API answers it."""

    def __init__(self, out: BinaryIO, columns: Sequence[str]) -> None:  # noqa: ARG002
        self._out = out
        self._encoder = msgspec.json.Encoder()

    def write(self, rows: Sequence[Exported]) -> None:
        self._out.write(self._encoder.encode_lines([told for told, _ in rows]))

    def close(self) -> None:
        self._out.flush()


class ParquetWriter:
    """The table of CSV; scores and points are numbers, all else is text."""

    def __init__(self, out: BinaryIO, columns: Sequence[str]) -> None:
        try:
            import pyarrow as pa
            import pyarrow.parquet as parquet
        except ImportError:
            raise ParquetMissingError from None
        self._pa = pa
        self._schema = pa.schema(
            [(name, pa.float64() if name.startswith(_NUMBERS) else pa.string()) for name in columns]
        )
        self._writer = parquet.ParquetWriter(out, self._schema, compression="zstd")

    def write(self, rows: Sequence[Exported]) -> None:
        columns = zip(*(cells for _, cells in rows), strict=True)
        arrays = [
            self._pa.array([_of_type(cell, field.type) for cell in cells], field.type)
            for cells, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


def _of_type(cell: Any, kind: Any) -> Any:
    if cell is None or cell == "":
        return None
    if str(kind) == "double":
        return float(cell)
    return str(safe_cell(cell)) if isinstance(cell, bool) else str(cell)


_WRITERS: Final[dict[Format, type[CsvWriter] | type[JsonLinesWriter] | type[ParquetWriter]]] = {
    "csv": CsvWriter,
    "jsonl": JsonLinesWriter,
    "parquet": ParquetWriter,
}


def writer_for(format_: Format, out: BinaryIO, columns: Sequence[str]) -> Writer:
    """Raises ParquetMissingError."""
    return _WRITERS[format_](out, columns)

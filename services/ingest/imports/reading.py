"""A file on disk as rows, by its name: CSV, JSON lines, Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, get_args

from services.ingest.imports.csv_rows import CsvFeed
from services.ingest.imports.decoding import OFTEN, UNREADABLE, TextFeed
from services.ingest.imports.jsonl_rows import JsonLinesFeed
from services.ingest.imports.parquet_rows import read_parquet
from services.ingest.imports.rows import Item, RowFeed
from services.ingest.refusal import invalid

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
CHUNK_BYTES: Final = 64 * 1024
_ENDINGS: Final[dict[str, Format]] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


def format_named(given: str, file_name: str) -> Format:
    """The format said, else that of the file's ending. Raises Refusal (400)."""
    found = next((one for one in FORMATS if one == given.lower()), None) if given else None
    found = found or (None if given else _ENDINGS.get(Path(file_name).suffix.lower()))
    if found is None:
        raise invalid("format_unknown", f"A format is one of {', '.join(FORMATS)}.", "format")
    return found


def feed_for(format_: Format, delimiter: str = "") -> RowFeed:
    """What reads a format that can be streamed. Raises Refusal (400) for Parquet, and for what is
    no delimiter.
    """
    if format_ == "parquet":
        raise invalid(
            "format_unknown", "Parquet is read from its end: it can't be streamed.", "format"
        )
    return CsvFeed(delimiter) if format_ == "csv" else JsonLinesFeed()


def read_file(
    path: Path, format_: Format, encoding: str = "", delimiter: str = ""
) -> Iterator[tuple[Item, int]]:
    """(row, bytes read so far) of a file. Raises Refusal (400) where it can't be read as such."""
    if format_ == "parquet":
        yield from read_parquet(path)
        return
    text, rows = TextFeed(encoding), feed_for(format_, delimiter)
    size = 0
    with path.open("rb") as file:
        while data := file.read(CHUNK_BYTES):
            size += len(data)
            for item in rows.feed(text.feed(data)):
                yield item, size
    for item in rows.feed(text.feed(b"", final=True), final=True):
        yield item, size


def usual_encoding(path: Path) -> str:
    """What a file is read as where nobody says it: "" for UTF-8 or what its mark says, else what
    spreadsheets on Windows write.
    """
    text = TextFeed()
    with path.open("rb") as file:
        while data := file.read(CHUNK_BYTES):
            if UNREADABLE in text.feed(data):
                return OFTEN
    return OFTEN if UNREADABLE in text.feed(b"", final=True) else ""

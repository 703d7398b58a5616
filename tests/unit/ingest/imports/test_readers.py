"""Readers of files: dialects, encodings, broken rows, and bytes at random."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.imports.csv_rows import CsvFeed
from services.ingest.imports.decoding import ENCODINGS, TextFeed, encoding_named
from services.ingest.imports.jsonl_rows import JsonLinesFeed
from services.ingest.imports.reading import format_named, read_file, usual_encoding
from services.ingest.imports.rows import LINE_CHARACTERS, BadRow, Item, Row, RowFeed
from services.ingest.refusal import Refusal

TABLE = [["Ada", 'says "hi"'], ["Jürgen; Jr", "two\nlines"], ["", "=1+1"], ["x", "a,b|c\td"]]


def rows_of(feed: RowFeed, data: bytes, size: int = 7, encoding: str = "") -> list[Item]:
    """All rows of bytes that come in pieces of a size."""
    text = TextFeed(encoding)
    found: list[Item] = []
    for place in range(0, len(data), size):
        found += feed.feed(text.feed(data[place : place + size]))
    return [*found, *feed.feed(text.feed(b"", final=True), final=True)]


def values(items: list[Item]) -> list[list[object]]:
    assert all(isinstance(item, Row) for item in items), items
    return [list(item.values) for item in items]


def written(delimiter: str, end: str) -> str:
    out = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if end == "\r" else csv.QUOTE_MINIMAL  # it quotes ends of its own alone
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerows([["name", "note"], *TABLE])
    return out.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_parts_cells_and_lines_is_found_out(delimiter: str, end: str) -> None:
    """Quotes, line breaks and delimiters within cells stay what they are."""
    data = written(delimiter, end).encode()
    for size in (1, 7, 10_000):
        assert values(rows_of(CsvFeed(), data, size)) == TABLE


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252", "iso8859-15"])
def test_a_byte_order_mark_or_a_word_tells_the_encoding(encoding: str) -> None:
    """A mark counts more than what was said."""
    data = written(";", "\r\n").encode(encoding)
    said = "cp1251" if encoding.startswith("utf") else encoding
    assert values(rows_of(CsvFeed(), data, 1, said)) == TABLE


def test_a_file_of_an_old_spreadsheet_is_read(tmp_path: Path) -> None:
    """Not UTF-8 is taken for Windows-1252, `sep=` is heeded, empty cells behind don't matter."""
    file = tmp_path / "old.csv"
    file.write_bytes("sep=;\r\nName;Ort;\r\nMüller;Köln;\r\n\r\nÖz;Ulm;;;\r\n".encode("cp1252"))
    found = [item for item, _ in read_file(file, "csv", usual_encoding(file))]
    assert values(found) == [["Müller", "Köln"], ["Öz", "Ulm"]]
    assert [item.number for item in found] == [3, 5]


def test_a_row_that_cannot_be_read_spoils_itself_alone() -> None:
    """Its number, a reason and how it begins are told; the others are taken."""
    data = b'name,note\nAda,1\n"Bo"b,2\nCy\nDi,1,2\nE\xff,5\n"Fi,6\nGo,7\n'
    found = rows_of(CsvFeed(), data)
    good = [item for item in found if isinstance(item, Row)]
    bad = {item.number: item.code for item in found if isinstance(item, BadRow)}
    assert [(item.number, item.values[0]) for item in good] == [(2, "Ada"), (8, "Go")]
    assert bad == {
        3: "row_broken", 4: "cells_count", 5: "cells_count", 6: "encoding_wrong", 7: "row_broken",
    }  # fmt: skip


def test_a_quote_that_is_never_closed_costs_one_row_not_the_file() -> None:
    """What comes after it is read, although the quote would have swallowed it."""
    lines = [f"name{n},{n}" for n in range(40_000)]
    data = "\n".join(["name,note", '"open,1', *lines]).encode()
    found = rows_of(CsvFeed(), data, 65_536)
    assert sum(isinstance(item, Row) for item in found) == 40_000
    assert [item.number for item in found if isinstance(item, BadRow)] == [2]


def test_an_endless_line_takes_no_memory() -> None:
    """It is passed over piece by piece, and told."""
    feed = CsvFeed()
    assert not list(feed.feed("name,note\n"))
    for _ in range(40):
        assert not list(feed.feed("x" * (LINE_CHARACTERS // 4)))
        assert len(feed._split._rest) <= LINE_CHARACTERS
    found = list(feed.feed("\nAda,1\n", final=True))
    assert [type(item) for item in found] == [BadRow, Row]


@pytest.mark.parametrize(
    "data", [b'"a,b', b"a,a\n", b",,\n", b"x" * (LINE_CHARACTERS + 1), b",".join([b"c"] * 501)]
)
def test_a_header_that_names_no_columns_is_refused(data: bytes) -> None:
    """The file as a whole, before any row."""
    with pytest.raises(Refusal, match="first row names the columns"):
        rows_of(CsvFeed(), data, 65_536)


def test_json_lines_open_what_an_export_nests() -> None:
    """Members of properties, traits and identifiers are columns; other objects are values."""
    line = {
        "identifiers": {"email": "a@x.example"},
        "properties": {"amount": 3, "deep": {"a": 1}},
        "consent": {"scoring": True},
    }
    data = json.dumps(line).encode() + b"\r\n\n[1]\nnope\n{}\n" + b'{"a":1e999}\n'
    first, *others = rows_of(JsonLinesFeed(), data)
    assert isinstance(first, Row)
    assert dict(zip(first.names, first.values, strict=True)) == {
        "identifiers.email": "a@x.example",
        "properties.amount": 3,
        "properties.deep": {"a": 1},
        "context": {"consent": {"scoring": True}},
    }
    assert [(item.number, type(item)) for item in others] == [
        (3, BadRow), (4, BadRow), (5, Row), (6, BadRow),
    ]  # fmt: skip


def test_parquet_gives_what_json_knows(tmp_path: Path) -> None:
    """Times, decimals and bytes become texts and numbers; a file that is none is refused."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    moment = datetime(2026, 5, 3, 10, tzinfo=UTC)
    table = pa.table({
        "email": ["a@x.example", None], "at": [moment, None], "data": [b"x", b"\xff"],
        "amount": [Decimal("4.50"), None], "nan": [float("nan"), 1.0],
    })  # fmt: skip
    file = tmp_path / "some.parquet"
    pq.write_table(table, file)
    found = [item for item, _ in read_file(file, "parquet")]
    assert values(found) == [
        ["a@x.example", "2026-05-03T10:00:00+00:00", "x", 4.5, None],
        [None, None, None, None, 1.0],
    ]
    file.write_bytes(b"PAR1 is not enough PAR1")
    with pytest.raises(Refusal, match="can't be read as Parquet"):
        list(read_file(file, "parquet"))


def test_only_encodings_of_tables_are_known() -> None:
    """Those that run something, or aren't text, are refused."""
    assert {encoding_named(name) for name in ENCODINGS} == set(ENCODINGS)
    assert encoding_named("Windows-1252") == "cp1252"
    for name in ("unicode_escape", "idna", "rot13", "utf-7", "zlib", "nope", "\0"):
        with pytest.raises(Refusal, match="An encoding is one of"):
            encoding_named(name)


def test_the_ending_or_a_word_tells_the_format() -> None:
    """The word counts more."""
    assert format_named("", "a.TSV") == "csv"
    assert format_named("jsonl", "a.csv") == "jsonl"
    for given_, name in (("xml", "a.csv"), ("", "a.xlsx")):
        with pytest.raises(Refusal, match="one of csv, jsonl, parquet"):
            format_named(given_, name)


BYTES = st.binary(max_size=300) | st.lists(
    st.sampled_from([b'"', b",", b";", b"\n", b"\r", b"a", b"\xff", b"{", b"}", b'{"a":1}', b"\0"]),
    max_size=60,
).map(b"".join)


@given(BYTES, st.integers(1, 50), st.sampled_from(["", *ENCODINGS]))
def test_whatever_comes_is_rows_or_a_refusal(data: bytes, size: int, encoding: str) -> None:
    """And the same rows, however the bytes are cut."""
    for make in (CsvFeed, JsonLinesFeed):
        outcomes = []
        for piece in (size, 1_000):
            try:
                outcomes.append(rows_of(make(), data, piece, encoding))
            except Refusal as refusal:
                outcomes.append([refusal.code])
        assert outcomes[0] == outcomes[1]


@given(st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=2), max_size=6))
def test_what_a_csv_writer_wrote_is_read_again(table: list[list[str]]) -> None:
    """All texts but lone surrogates, which no encoding has."""
    table = [[cell.encode("utf-8", "replace").decode() for cell in row] for row in table]
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["a", "b"], *table])
    assert values(rows_of(CsvFeed(), out.getvalue().encode(), 3)) == table

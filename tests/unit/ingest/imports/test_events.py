"""Chunks of rows as events; what is told of those that can't be; files of rejected rows."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.ingest.imports.events import ERRORS_TOLD, Tally, oldest_kept, read_events
from services.ingest.imports.mapping import Mapping, Reading
from services.ingest.imports.progress import Lines
from services.ingest.imports.rejects import Rejects, usual_path
from services.ingest.imports.rows import BadRow, Item, Row
from services.ingest.normalise import Arrival
from shared.envelope import milliseconds

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NAMES = ("email", "date", "note", "n\0te")


def row(number: int, email: str, day: str, *notes: str) -> Row:
    return Row(number, NAMES, [email, day, *notes, *[""] * (2 - len(notes))])


def tally_of(items: list[Item], oldest: datetime | None = None) -> tuple[Tally, list[BadRow]]:
    mapping = Mapping(Reading(kind="events", event="call"), NOW)
    chunk = read_events(items, mapping, Arrival("import", False, NOW, "r"), oldest)
    tally = Tally()
    tally.add(chunk)
    return tally, chunk.rejected


def test_rows_are_taken_or_rejected_and_all_are_counted() -> None:
    """By reason; what stood in a row is not told."""
    items = [
        row(2, "a@x.example", "2026-05-03"),
        row(3, "secret-name", "2026-05-03"),
        BadRow(4, "row_broken", "The quotes don't fit together.", text="x"),
        row(5, "a@x.example", "2026-04-01"),
        row(6, "a@x.example", "2026-05-03", "", "\0"),
        row(7, "a@x.example", "2026-05-03", *["x" * 8_000] * 2),
    ]
    tally, rejected = tally_of(items, oldest_kept(30, -1, NOW))
    assert (tally.rows, tally.accepted, tally.position) == (6, 2, 7)
    assert tally.reasons == {
        "email_invalid": 1, "row_broken": 1, "too_old": 1, "null_character": 1,
    }  # fmt: skip
    assert [one["path"] for one in tally.errors] == ["email", "", "date", "nte"]
    assert "secret-name" not in json.dumps(tally.errors)
    assert [one.values[0] for one in rejected if one.values] == [
        "secret-name", "a@x.example", "a@x.example",
    ]  # fmt: skip


def test_only_the_first_errors_are_told_one_by_one() -> None:
    """The others are counted."""
    tally, _ = tally_of([row(n, "nobody", "2026-05-03") for n in range(ERRORS_TOLD + 5)])
    assert len(tally.errors) == ERRORS_TOLD
    assert tally.rejected == tally.reasons["email_invalid"] == ERRORS_TOLD + 5


def test_what_is_kept_begins_where_the_setting_or_the_last_sweep_says() -> None:
    """Whichever is later."""
    swept = NOW - timedelta(days=10)
    assert oldest_kept(0, -1, NOW) is None
    assert oldest_kept(30, -1, NOW) == NOW - timedelta(days=30)
    after = swept + timedelta(milliseconds=1)
    assert (
        oldest_kept(30, milliseconds(swept), NOW)
        == after
        == oldest_kept(0, milliseconds(swept), NOW)
    )


def test_rejected_rows_can_be_opened_and_imported(tmp_path: Path) -> None:
    """Formulas made harmless; a run that goes on cuts off what was written behind its place."""
    path = usual_path(tmp_path / "calls.csv", "csv")
    assert path.name == "calls.rejected.csv"
    names = ("a", "b")
    with Rejects(path, "csv") as rejects:
        rejects.write([])
        assert not path.exists()
        rejects.write([BadRow(2, "x", "Why.", "a", names=names, values=["=1+1", "ü\udcff"])])
        size = rejects.written_bytes()
        rejects.write([BadRow(3, "x", "Why.", names=names, values=["1", "2"])])
    with Rejects(path, "csv", size) as rejects:
        rejects.write([BadRow(4, "y", "Why.", text="broken", names=names)])
    with path.open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [(one["_row"], one["_code"], one["a"], one["b"]) for one in found] == [
        ("2", "x", "'=1+1", "ü?"), ("4", "y", None, None),
    ]  # fmt: skip
    path.unlink()
    with Rejects(path, "jsonl", size) as rejects:  # it was taken away meanwhile
        rejects.write([BadRow(5, "z", "Why.", text="\udcff", names=names, values=[1, None])])
    assert json.loads(path.read_text()) == {
        "_row": 5, "_code": "z", "_column": "", "_message": "Why.", "_text": "?", "a": 1, "b": None,
    }  # fmt: skip


def test_progress_tells_rows_rate_and_how_long_it_takes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was skipped in resuming is not counted as fast work; waiting is told once."""
    from services.ingest.imports import progress

    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    lines = Lines(1_000)
    lines.resumed(500)
    tally = Tally(accepted=500)
    lines.moved(tally, 500)
    lines.waits()
    lines.waits()
    clock[0] = 10.0
    tally.accepted, tally.rejected = 590, 10
    lines.moved(tally, 600)
    assert capsys.readouterr().err.splitlines() == [
        "goes on behind row 500",
        "Kafka takes nothing just now: waiting; what was sent is sent again",
        "600 rows, 10 rejected, 60%, 10/s, 40 s left",
    ]

"""Exports: what is in Postgres comes out whole, by time and stage, and safe to open."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.console.exports import reading
from services.console.exports.reading import Filter, exporting
from services.console.exports.rows import What
from services.console.exports.writers import Format, writer_for
from shared.identity import EMAIL, EXTERNAL
from shared.ledger import Entry
from tests.integration.console.conftest import DAY_MS, NOW_MS, Rows, decaying, happening

ALL = Filter()


async def exported(rows: Rows, what: What, format_: Format = "csv", which: Filter = ALL) -> bytes:
    """The file."""
    out = io.BytesIO()
    async with exporting(rows.engine, what, which, NOW_MS) as export:
        writer = writer_for(format_, out, await export.columns(what))
        async for some in export.rows(what):
            writer.write(some)
        writer.close()
        return out.getvalue()


async def table(rows: Rows, what: What, which: Filter = ALL) -> list[dict[str, str]]:
    text = (await exported(rows, what, "csv", which)).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
async def two(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> tuple[UUID, UUID]:
    """Two leads with events; the second one's name is a formula. And one that was absorbed."""
    monkeypatch.setattr(reading, "CHUNK", 2)
    first = await rows.lead(
        identifiers=((EMAIL, "a@x.example"), (EMAIL, "b@x.example"), (EXTERNAL, "crm:7")),
        models={"engagement": decaying(10.0, 30, NOW_MS)}, traits={"title": "chief", "size": 5},
    )  # fmt: skip
    second = await rows.lead(
        stage="educate", identifiers=((EMAIL, "c@x.example"),), traits={"name": "=cmd|'x'!A0"}
    )
    await rows.lead(merged_into=first)
    page = Entry(rows.rules["engagement/pricing-page"], 10.0, 10.0)
    cut = Entry(rows.rules["engagement/download"], 0.0, 20.0, "limit")
    await rows.events(
        first,
        (happening("m1", NOW_MS - DAY_MS, properties={"b": "ü"}), [page]),
        (happening("m2", NOW_MS), [page, cut]),
        (happening("m3", NOW_MS), []),
    )
    await rows.events(second, (happening("-m4", NOW_MS), [page]))
    await rows.times(first, (NOW_MS, [Entry(page.rule, -1.5, -1.5, "taken back")]))
    return first, second


async def test_leads_come_with_scores_and_traits_in_columns(
    rows: Rows, two: tuple[UUID, UUID]
) -> None:
    """Also where only one lead has the trait; a formula is made harmless."""
    first, second = await table(rows, "leads")
    assert (first["id"], second["id"]) == tuple(map(str, two))
    assert first["email"] == "a@x.example; b@x.example"
    assert (first["external"], first["known"]) == ("crm:7", "true")
    assert (first["scores.engagement"], first["scores.fit"]) == ("10.0", "0.0")
    assert (first["traits.title"], first["traits.size"], second["traits.size"]) == (
        "chief", "5", "",
    )  # fmt: skip
    assert second["traits.name"] == "'=cmd|'x'!A0"
    nested = [json.loads(line) for line in (await exported(rows, "leads", "jsonl")).splitlines()]
    assert nested[1]["traits"] == {"name": "=cmd|'x'!A0"}


async def test_the_ledger_sums_to_what_was_granted(rows: Rows, two: tuple[UUID, UUID]) -> None:
    """Entries of events and of time, each with its rule, what cut it, and its event."""
    entries = await table(rows, "ledger")
    assert sum(float(one["points"]) for one in entries) == 28.5
    assert {(one["rule"], one["by"], one["event_id"], one["cut_by"]) for one in entries} == {
        ("pricing-page", "event", "m1", ""), ("pricing-page", "event", "m2", ""),
        ("download", "event", "m2", "limit"), ("pricing-page", "event", "'-m4", ""),
        ("pricing-page", "time", "", "taken back"),
    }  # fmt: skip
    assert [one["points"] for one in entries if one["by"] == "time"] == ["-1.5"]


async def test_time_and_stage_choose(rows: Rows, two: tuple[UUID, UUID]) -> None:
    """From an instant on, up to before another, of leads in a stage."""

    async def ids(which: Filter) -> set[str]:
        return {one["id"] for one in await table(rows, "events", which)}

    assert await ids(ALL) == {"m1", "m2", "m3", "'-m4"}
    assert await ids(Filter(since_ms=NOW_MS)) == {"m2", "m3", "'-m4"}
    assert await ids(Filter(until_ms=NOW_MS)) == {"m1"}
    assert await ids(Filter(stage="educate")) == {"'-m4"}
    assert [one["stage"] for one in await table(rows, "leads", Filter(stage="educate"))] == [
        "educate"
    ]
    assert await table(rows, "leads", Filter(since_ms=NOW_MS)) == []


@pytest.mark.parametrize("what", ["leads", "events", "ledger"])
async def test_every_format_has_the_same_rows(
    rows: Rows, two: tuple[UUID, UUID], what: What, tmp_path: Path
) -> None:
    """Parquet has numbers where CSV has their texts."""
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "out.parquet"
    file.write_bytes(await exported(rows, what, "parquet"))
    found: list[dict[str, Any]] = parquet.read_table(file).to_pylist()
    lines = (await exported(rows, what, "jsonl")).splitlines()
    flat = await table(rows, what)
    assert len(found) == len(lines) == len(flat) > 1
    assert [list(one) for one in found] == [list(one) for one in flat]
    key = "lead_id" if what != "leads" else "id"
    assert [one[key] for one in found] == [one[key] for one in flat]
    if what == "ledger":
        assert sum(one["points"] for one in found) == 28.5


async def test_events_come_back_as_they_went(rows: Rows, two: tuple[UUID, UUID]) -> None:
    """JSON lines of an export are read by an import: the same ids, people, times, properties."""
    from services.ingest.imports.jsonl_rows import JsonLinesFeed
    from services.ingest.imports.mapping import Mapping, Reading
    from services.ingest.imports.rows import Row
    from shared.envelope import instant

    text = (await exported(rows, "events", "jsonl")).decode()
    mapping = Mapping(Reading(kind="events", targets={"id": "id"}), instant(NOW_MS))
    calls = [mapping.call(row)[1] for row in JsonLinesFeed().feed(text) if isinstance(row, Row)]
    assert {call.message_id for call in calls} == {"m1", "m2", "m3", "-m4"}
    assert {(call.event, call.anonymous_id) for call in calls} == {("page_viewed", "a1")}
    assert {"b": "ü"} in [call.properties for call in calls]

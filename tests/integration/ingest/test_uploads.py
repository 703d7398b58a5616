"""Files by API: streamed to Kafka, a job to look at, bounds, and nobody else's business."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.ingest.imports import streaming, uploads
from services.ingest.imports.uploads import Uploads
from shared.database import create_engine
from shared.settings import Settings
from tests.ingest_server import reading_events, serving_ingest

KEY = {"authorization": "Bearer test-secret-key"}
SEMINAR = {"type": "Seminar", "zone": "Europe/Berlin", "file": "seminar.csv"}
HEAD = "E-Mail;Datum;Platz\n"
SECONDS = 60.0


def lines(first: int, count: int) -> bytes:
    return "".join(f"p{n}@x.example;3.5.2026;{n}\n" for n in range(first, first + count)).encode()


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    given = settings.model_copy(
        update={"secret_keys": type(settings.secret_keys)("server:test-secret-key,other:other-key")}
    )
    engine = create_engine(given, pool_size=1, max_overflow=2)
    try:
        async with (
            serving_ingest(given, uploads=Uploads(engine)) as url,
            httpx.AsyncClient(base_url=url, headers=KEY, timeout=SECONDS) as client,
        ):
            yield client
    finally:
        await engine.dispose()


async def post(client: httpx.AsyncClient, data: Any, **more: Any) -> tuple[int, dict[str, Any]]:
    params = {**SEMINAR, **more.pop("params", {})}
    answer = await client.post("/v1/imports/events", content=data, params=params, **more)
    return answer.status_code, answer.json()


async def test_rows_are_kept_and_counted_once_however_often_they_come(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    """By what they say: the same file in gzip makes the same events. Bad rows are told."""
    file = HEAD.encode() + lines(0, 600) + b"nobody;3.5.2026;1\n" + b"broken\n"
    status, told = await post(client, file)
    job = told["import"]
    assert (status, job["rows"], job["accepted"]) == (200, 602, 600)
    assert job["errors"] == [
        {"row": 602, "code": "email_invalid", "path": "E-Mail",
         "message": "This is not an email address."},
        {"row": 603, "code": "cells_count", "path": "",
         "message": "The row has 1 cells, the header 3."},
    ]  # fmt: skip
    headers = {"content-encoding": "gzip", "content-type": "text/csv; charset=utf-8"}
    status, _ = await post(client, gzip.compress(file), headers=headers, params={"file": ""})
    assert status == 200
    async with reading_events(settings) as written:
        events = await written.until(lambda events: len(events) >= 1200, "both")
    assert len({event.id for event in events}) == 600
    assert {(event.source, event.type) for event in events} == {("server", "seminar_attended")}
    stored = (await client.get(f"/v1/import-jobs/{job['id']}")).json()
    assert (stored["state"], stored["accepted"], stored["file"]) == ("done", 600, "seminar.csv")
    assert len((await client.get("/v1/import-jobs")).json()["items"]) == 2
    other = {"authorization": "Bearer other-key"}
    answer = await client.get(f"/v1/import-jobs/{job['id']}", headers=other)
    assert answer.status_code == 404


async def test_a_job_tells_how_far_it_is_and_that_it_was_cut_off(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the body comes in; what came before the end is kept."""
    monkeypatch.setattr(uploads, "_SAVE_SECONDS", 0.0)
    seen: list[dict[str, Any]] = []

    async def newest(state: str, rows: int) -> dict[str, Any]:
        async with asyncio.timeout(SECONDS):
            while True:
                items = (await client.get("/v1/import-jobs")).json()["items"]
                if items and items[0]["state"] == state and items[0]["rows"] >= rows:
                    return dict(items[0])
                await asyncio.sleep(0.05)

    async def body() -> AsyncIterator[bytes]:
        yield HEAD.encode() + lines(0, 300)
        seen.append(await newest("running", 250))
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await post(client, body())
    assert seen[0]["ended_at"] is None
    stopped = await newest("stopped", 250)
    assert stopped["stopped"] == "cut_off"


async def test_what_cannot_be_taken_is_refused_with_a_reason(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys, kinds, parameters, formats, sizes, silence: 4xx, and the job says so."""
    good = HEAD.encode() + lines(0, 1)
    for status, code, more in (
        (403, "secret_key_needed", {"headers": {"authorization": "Bearer test-write-key"}}),
        (401, "key_unknown", {"headers": {"authorization": "Bearer nope"}}),
        (400, "parameter_unknown", {"params": {"colour": "red"}}),
        (400, "zone_unknown", {"params": {"zone": "Mars/Base"}}),
        (400, "format_unknown", {"params": {"file": "seminar.parquet"}}),
        (400, "encoding_unknown", {"params": {"encoding": "rot13"}}),
        (400, "column_missing", {"params": {"map": "Mial=email"}}),
        (415, "encoding_not_supported", {"headers": {"content-encoding": "br"}}),
        (400, "gzip_broken", {"headers": {"content-encoding": "gzip"}}),
        (400, "time_missing", {"params": {"map": "Datum=-"}}),
    ):
        found, told = await post(client, good, **more)
        assert (found, told["error"]["code"]) == (status, code), (more, told)
    answer = await client.post("/v1/imports/people", content=good)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert (await client.get("/v1/import-jobs/no")).status_code == 404
    monkeypatch.setattr(streaming, "IMPORT_BYTES", 100_000)
    bomb = gzip.compress(b"x;" * 10_000_000)
    found, told = await post(client, bomb, headers={"content-encoding": "gzip"})
    assert (found, told["error"]["code"]) == (413, "too_large")
    found, told = await post(client, HEAD.encode() + lines(0, 10_000))
    assert (found, told["error"]["code"]) == (413, "too_large")
    assert "accepted" in told["import"]
    monkeypatch.setattr(streaming, "IMPORT_SILENCE_SECONDS", 0.1)

    async def silent() -> AsyncIterator[bytes]:
        yield good
        await asyncio.sleep(5)
        yield b""

    found, told = await post(client, silent())
    assert (found, told["error"]["code"]) == (408, "body_too_slow")


async def test_without_a_journal_or_room_the_sender_comes_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """429 with Retry-After; JSON lines are rows, too."""
    line = json.dumps({"email": "a@x.example", "event": "call", "date": "2026-05-03"}).encode()
    async with serving_ingest(settings) as url, httpx.AsyncClient(headers=KEY) as client:

        async def asked() -> tuple[int, str, str]:
            headers = {"content-type": "application/x-ndjson"}
            answer = await client.post(f"{url}/v1/imports/events", content=line, headers=headers)
            return (answer.status_code, answer.json()["error"]["code"],
                    answer.headers["retry-after"])  # fmt: skip

        assert await asked() == (429, "database_away", "2")
        monkeypatch.setattr(uploads, "IMPORTS_AT_ONCE", 0)
        assert await asked() == (429, "too_busy", "2")

"""`leadscore import`: killed half way, resumed, run again; sums in Postgres are those of once."""

from __future__ import annotations

import asyncio
import csv
import json
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import TopicPartition

from shared.bodies import open_body
from shared.bus import create_consumer
from shared.database import create_engine
from shared.envelope import decode_event
from shared.ledger import decode_entries
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.processes import environment, service

SECONDS = 90.0
PEOPLE, CALLS = 400, 25
RULES = """
models: {interest: {rules: [{id: call, on: call_held, points: 2}]}}
stages: {ladder: [{name: cold}, {name: warm, enter: {interest: 100000}}]}
"""


def command(settings: Settings, *words: str, **over: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "services.cli", "import", *words],
        env=environment(settings, **over),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def done(process: subprocess.Popen[str], code: int = 0) -> tuple[str, str]:
    """(output, errors) of a process that has ended well."""
    output, errors = await asyncio.to_thread(process.communicate, timeout=SECONDS)
    assert process.returncode == code, output + errors
    return output, errors


async def reaches(connection: asyncpg.Connection[Any], question: str, least: int) -> None:
    async with asyncio.timeout(SECONDS):
        while (await connection.fetchval(question) or 0) < least:
            await asyncio.sleep(0.02)


def write_calls(file: Path) -> None:
    """So many calls with so many people, each written in two ways; and three rows that can't be."""
    with file.open("w", newline="") as out:
        rows = csv.writer(out, delimiter=";")
        rows.writerow(["E-Mail", "Telefon", "Datum", "Notiz"])
        for call in range(CALLS):
            for person in range(PEOPLE):
                email = f"p{person}@x.example"
                day = f"{1 + call}.5.2026 10:00"
                rows.writerow([email.upper() if call % 2 else email, "", day, f"{call}"])
            if call in (1, 12, 24):
                rows.writerow(["nobody", "", "3.5.2026", "x"])


@pytest.fixture
async def ruled(settings: Settings) -> Settings:
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, RULES)
    await engine.dispose()
    return settings


async def test_an_import_killed_half_way_resumes_and_counts_once(
    ruled: Settings, tmp_path: Path
) -> None:
    """Also when it is run once more; rejected rows are in a file, each once."""
    file = tmp_path / "calls.csv"
    write_calls(file)
    words = ("events", str(file), "--type", "Anruf", "--zone", "Europe/Berlin", "--source", "phone")
    connection = await asyncpg.connect(ruled.database_url.get_secret_value())
    try:
        with service("scorer", ruled):
            first = command(ruled, *words)
            await reaches(connection, "SELECT max(position) FROM import_job", 1)
            first.send_signal(signal.SIGKILL)
            await asyncio.to_thread(first.communicate)
            position = await connection.fetchval("SELECT position FROM import_job")
            assert 0 < position < PEOPLE * CALLS
            output, errors = await done(command(ruled, *words, "--json"))
            assert f"goes on behind row {position}" in errors
            told = json.loads(output)
            assert (told["rows"], told["accepted"]) == (PEOPLE * CALLS + 3, PEOPLE * CALLS)
            assert told["reasons"] == {"email_invalid": 3}
            output, _ = await done(command(ruled, *words))
            assert "imported already" in output
            output, _ = await done(command(ruled, *words, "--again", "--json"))
            assert json.loads(output)["accepted"] == PEOPLE * CALLS
            await _taken_in(ruled, connection)
        rows = await connection.fetch("SELECT lead_id, body, entries FROM event")
        assert len(rows) == PEOPLE * CALLS
        points = Counter[Any]()
        for row in rows:
            points[row["lead_id"]] += sum(one.points for one in decode_entries(row["entries"]))
        assert sorted(points.values()) == [2 * CALLS] * PEOPLE
        event = decode_event(open_body(rows[0]["body"]))
        assert (event.source, event.type, event.occurred_at.hour) == ("phone", "call_held", 8)
        with (tmp_path / "calls.rejected.csv").open(newline="") as rejected:
            assert [row["_code"] for row in csv.DictReader(rejected)] == ["email_invalid"] * 3
        assert (tmp_path / "calls.rejected.csv").stat().st_mode & 0o077 == 0
    finally:
        await connection.close()


async def _taken_in(settings: Settings, connection: asyncpg.Connection[Any]) -> None:
    """Wait until the scorer has read everything on lead-events."""
    consumer = create_consumer(settings, group_id=None)
    await consumer.start()
    try:
        topic = settings.topics.lead_events
        partitions = [TopicPartition(topic, one) for one in range(settings.event_partitions)]
        ends = await consumer.end_offsets(partitions)
    finally:
        await consumer.stop()
    async with asyncio.timeout(SECONDS):
        while True:
            rows = await connection.fetch("SELECT partition, next_offset FROM consumer_partition")
            reached = {row["partition"]: row["next_offset"] for row in rows}
            if all(reached.get(one.partition, 0) >= end for one, end in ends.items()):
                return
            await asyncio.sleep(0.05)


async def test_rows_from_before_what_is_kept_are_refused(ruled: Settings, tmp_path: Path) -> None:
    """With a reason; the newer ones are taken. A file that can't be read sends nothing."""
    now = datetime.now(UTC)
    days = [now - timedelta(days=20), now - timedelta(days=40)]
    file = tmp_path / "some.jsonl"
    file.write_text("".join(
        json.dumps({"email": "a@x.example", "event": "Seminar", "date": day.isoformat()}) + "\n"
        for day in days
    ))  # fmt: skip
    kept = {"LEADSCORE_RETENTION_EVENTS_DAYS": "30"}
    output, _ = await done(command(ruled, "events", str(file), "--json", **kept))
    told = json.loads(output)
    assert (told["accepted"], told["reasons"]) == (1, {"too_old": 1})
    [rejected] = (tmp_path / "some.rejected.jsonl").read_text().splitlines()
    assert json.loads(rejected)["_row"] == 2
    _, errors = await done(command(ruled, "leads", str(file), "--map", "Mial=email"), code=1)
    assert "Mial: A mapped column is not in the file" in errors

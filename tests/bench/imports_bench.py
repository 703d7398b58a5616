"""Files on their way in: rows a second, from disk to Kafka's acknowledgement, and memory."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from services.ingest.imports.reading import Format
from shared.bus import ensure_topics
from tests.bench.stack import BenchStack

ROWS = 100_000
PEOPLE = 20_000


@dataclass(frozen=True)
class Imported:
    """How it went. seconds: of the whole command, its start included · bytes: most memory held."""

    format: Format
    rows: int
    seconds: float
    bytes: int

    def words(self) -> str:
        return (
            f"imports: {self.rows:,} rows of {self.format} in {self.seconds:.1f} s, "
            f"{self.rows / self.seconds:,.0f}/s, {self.bytes / 2**20:.0f} MB at most"
        )


def run(stack: BenchStack, rows: int = ROWS) -> list[Imported]:
    """`leadscore import events` of a CSV and a JSON lines file, each on its own topics."""
    return [_run(stack, kind, rows) for kind in ("csv", "jsonl")]


def _run(stack: BenchStack, kind: Format, rows: int) -> Imported:
    settings = stack.fresh_settings()
    asyncio.run(ensure_topics(settings))
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"events.{kind}"
        _write(file, kind, rows)
        words = ("import", "events", str(file), "--type", "seminar", "--json")
        began = time.monotonic()
        process = psutil.Popen(
            [sys.executable, "-m", "services.cli", *words],
            env=os.environ | stack.environment(settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        most = 0
        while process.poll() is None:
            most = max(most, process.memory_info().rss)
            time.sleep(0.05)
        seconds = time.monotonic() - began
        told = json.loads(process.stdout.read())
    if told["accepted"] != rows:
        raise SystemExit(f"imports: {told['accepted']} of {rows} rows were taken")
    return Imported(kind, rows, seconds, most)


def _write(file: Path, kind: Format, rows: int) -> None:
    with file.open("w") as out:
        if kind == "csv":
            out.write("First name,E-Mail,Company,Seminar date,Seat,Note\n")
        for number in range(rows):
            who, day = f"p{number % PEOPLE}@x.example", f"2026-05-{1 + number % 28:02d} 10:00"
            cells = (f"Ada {number % 977}", who, f"Acme {number % 500}", day, number, "some words")
            if kind == "csv":
                out.write(",".join(map(str, cells)) + "\n")
            else:
                names = ("first_name", "email", "company", "date", "seat", "note")
                out.write(json.dumps(dict(zip(names, cells, strict=True))) + "\n")

"""An import from a file on disk: read, sent, acknowledged, noted, and resumed where it stopped."""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.batches import attempt_in_batches
from services.ingest.edge import utc_now
from services.ingest.handling import handling_of
from services.ingest.imports import journal
from services.ingest.imports.events import Chunk, Tally, oldest_kept, read_events, records_of
from services.ingest.imports.mapping import Mapping, Reading
from services.ingest.imports.reading import CHUNK_BYTES, Format, read_file
from services.ingest.imports.rejects import Rejects
from services.ingest.imports.rows import Item
from services.ingest.normalise import Arrival
from services.ingest.placement import make_producer
from shared.bus import Record, SupervisedProducer
from shared.database import create_engine
from shared.envelope import Event
from shared.errors import TryAgainError
from shared.settings import Settings

CHUNK_ROWS: Final = 1_000
# How far it is, is written down so often; what was sent after it is sent again, and known.
SAVE_SECONDS: Final = 1.0
_ACK_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 1.0
_LOCKS: Final = 1_768_776_560  # with half of the fingerprint: an advisory lock


class RunningElsewhereError(Exception):
    """Another process imports this file just now."""


class AlreadyDoneError(Exception):
    """The file was imported before, read in the same way. at: when it was done."""

    def __init__(self, at: datetime) -> None:
        super().__init__(f"done at {at:%Y-%m-%d %H:%M} UTC")
        self.at = at


class Watcher:
    """Who is told how it goes; this one tells nobody. rows, read: so far, of them and of bytes."""

    def resumed(self, row: int) -> None:
        """It goes on behind this row."""

    def moved(self, tally: Tally, read: int) -> None:
        """So far it is."""

    def waits(self) -> None:
        """Kafka does not answer."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to import. encoding, delimiter: "" to be found out."""

    path: Path
    format: Format
    encoding: str = ""
    delimiter: str = ""

    def items(self) -> Iterator[tuple[Item, int]]:
        return read_file(self.path, self.format, self.encoding, self.delimiter)

    def fingerprint(self, reading: Reading, source: str) -> bytes:
        """The same for the same content read the same way. Blocking: reads all of it."""
        said = msgspec.json.encode(
            (reading, source, self.format, self.encoding, self.delimiter), order="deterministic"
        )
        digest = hashlib.sha256(said)
        with self.path.open("rb") as file:
            while data := file.read(CHUNK_BYTES):
                digest.update(data)
        return digest.digest()


def rehearse(
    settings: Settings, file: File, reading: Reading, source: str, rejects: Rejects | None,
    watcher: Watcher,
) -> tuple[Tally, list[Event], dict[str, str]]:  # fmt: skip
    """Read all of a file and send nothing: what it would come to, the first three events, and what
    its columns are taken for.

    Raises Refusal for a file that can't be read, ValueError for settings.
    """
    started = utc_now()
    mapping = Mapping(reading, started)
    oldest = oldest_kept(settings.retention_events_days, -1, started)
    arrival = _Arrivals(settings, source)
    tally, sample = Tally(), list[Event]()
    for chunk, read in _chunks(file, mapping, arrival, oldest, 0):
        sample += chunk.events[: 3 - len(sample)]
        if rejects is not None:
            rejects.write(chunk.rejected)
        tally.add(chunk)
        watcher.moved(tally, read)
    names = next((item.names for item, _ in file.items() if item.names), ())
    columns = {name: target.words() for name, target in mapping.targets_of(names) if name}
    return tally, sample, columns


async def run_import(
    settings: Settings, file: File, reading: Reading, source: str, rejects_path: Path,
    watcher: Watcher, *, again: bool = False,
) -> Tally:  # fmt: skip
    """Import a file, or what is left of it. Every row that the journal counts is acknowledged.

    Raises Refusal for a file that can't be read, AlreadyDoneError, RunningElsewhereError,
    TryAgainError while no broker answers at the start, ValueError for settings.
    """
    fingerprint = await asyncio.to_thread(file.fingerprint, reading, source)
    engine = create_engine(settings, pool_size=1, max_overflow=0)
    producer = SupervisedProducer(lambda: make_producer(settings), attempt_in_batches)
    try:
        async with engine.connect() as connection:
            await _lock(connection, fingerprint)
            row = await journal.newest_of(connection, fingerprint)
            if row is not None and row["ended_at"] is not None:
                if not again:
                    raise AlreadyDoneError(row["ended_at"])
                row = None
            await producer.start()
            job, started = uuid.uuid4(), utc_now()
            if row is None:
                await journal.begin(
                    connection, job, reading.kind, source, file.path.name, fingerprint
                )
            else:
                job, started = row["id"], row["begun_at"]
            swept_ms = await journal.swept_ms(connection)
            oldest = oldest_kept(settings.retention_events_days, swept_ms, utc_now())
            tally = Tally() if row is None else journal.tally_of(row)
            if tally.position:
                watcher.resumed(tally.position)
            with Rejects(rejects_path, file.format, row["rejects_bytes"] if row else 0) as rejects:
                saver = _Saver(connection, job, tally, rejects)
                arrival = _Arrivals(settings, source)
                chunks = _chunks(file, Mapping(reading, started), arrival, oldest, tally.position)
                await _send(settings, producer, chunks, saver, watcher)
            return tally
    finally:
        await producer.stop()
        await engine.dispose()


@dataclass(slots=True)
class _Saver:
    """Notes how far it is, once a second."""

    connection: AsyncConnection
    job: uuid.UUID
    tally: Tally
    rejects: Rejects
    saved_at: float = 0.0

    async def add(self, chunk: Chunk) -> None:
        """A chunk is acknowledged."""
        self.rejects.write(chunk.rejected)
        self.tally.add(chunk)
        if time.monotonic() - self.saved_at >= SAVE_SECONDS:
            await self.save()

    async def save(self, *, ended: bool = False) -> None:
        size = self.rejects.written_bytes()
        await journal.save(self.connection, self.job, self.tally, rejects_bytes=size, ended=ended)
        self.saved_at = time.monotonic()


class _Arrivals:
    """Makes an arrival for each chunk: it gathers that chunk's notes."""

    def __init__(self, settings: Settings, source: str) -> None:
        self._source = source
        self._handling = handling_of(settings)

    def __call__(self) -> Arrival:
        return Arrival(self._source, False, utc_now(), "import", handling=self._handling)


async def _send(
    settings: Settings,
    producer: SupervisedProducer,
    chunks: Iterator[tuple[Chunk, int]],
    saver: _Saver,
    watcher: Watcher,
) -> None:
    """Send chunk by chunk; while one is on its way, the next is read."""
    topic = settings.topics.lead_events
    hash_key = settings.hash_key.get_secret_value().encode()

    async def deliver(chunk: Chunk) -> None:
        records = records_of(chunk.events, topic, hash_key)
        await _delivered(lambda: _acknowledged(producer, records), watcher)

    under_way: tuple[asyncio.Task[None], Chunk, int] | None = None
    try:
        for chunk, read in chunks:
            if under_way is not None:
                await _finish(under_way, saver, watcher)
            under_way = (asyncio.create_task(deliver(chunk)), chunk, read)
            await asyncio.sleep(0)  # it begins
        if under_way is not None:
            await _finish(under_way, saver, watcher)
    except BaseException:
        if under_way is not None:
            under_way[0].cancel()
        raise
    await saver.save(ended=True)


async def _finish(
    under_way: tuple[asyncio.Task[None], Chunk, int], saver: _Saver, watcher: Watcher
) -> None:
    task, chunk, read = under_way
    await task
    await saver.add(chunk)
    watcher.moved(saver.tally, read)


async def _acknowledged(producer: SupervisedProducer, records: Sequence[Record]) -> None:
    if records:
        await producer.deliver(records, _ACK_SECONDS)


async def _delivered(attempt: Callable[[], Awaitable[None]], watcher: Watcher) -> None:
    """Until it is acknowledged: a second copy has the same id."""
    while True:
        try:
            return await attempt()
        except TryAgainError:
            watcher.waits()
            await asyncio.sleep(_PAUSE_SECONDS)


def _chunks(
    file: File, mapping: Mapping, arrivals: Callable[[], Arrival], oldest: datetime | None,
    behind: int,
) -> Iterator[tuple[Chunk, int]]:  # fmt: skip
    """(what some rows came to, bytes read so far), of rows behind a number."""
    checked = False
    read = 0
    items: Iterator[tuple[Item, int]] = (
        (item, size) for item, size in file.items() if item.number > behind
    )
    while some := list(islice(items, CHUNK_ROWS)):
        read = some[-1][1]
        if not checked:
            mapping.check_columns({name for item, _ in some for name in item.names})
            checked = True
        yield read_events((item for item, _ in some), mapping, arrivals(), oldest), read


async def _lock(connection: AsyncConnection, fingerprint: bytes) -> None:
    """Held until the connection ends. Raises RunningElsewhereError."""
    half = int.from_bytes(fingerprint[:4], "big", signed=True)
    held: Any = await connection.scalar(
        sa.text("SELECT pg_try_advisory_lock(:space, :half)"), {"space": _LOCKS, "half": half}
    )
    await connection.commit()
    if not held:
        raise RunningElsewhereError

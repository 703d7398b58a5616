"""Uploads: a file's rows sent on while it comes in, and a job that says how far it is."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.ingest.imports import journal
from services.ingest.imports.columns import Kind
from services.ingest.imports.decoding import TextFeed
from services.ingest.imports.events import Chunk, Tally
from services.ingest.imports.rows import Item, RowFeed
from services.ingest.limits import (
    IMPORT_PATIENCE_SECONDS,
    IMPORT_ROWS,
    IMPORTS_AT_ONCE,
    RETRY_AFTER_SECONDS,
)
from services.ingest.metrics import REJECTED
from services.ingest.refusal import Refusal
from shared.envelope import Event

log = structlog.get_logger()
Result = TypeVar("Result")
_SAVE_SECONDS = 1.0
_DATABASE_SECONDS = 5.0
# What Postgres does when it is away.
_AWAY = (OSError, TimeoutError, SQLAlchemyError)

Read = Callable[[Iterable[Item]], Chunk]
Accept = Callable[[list[Event]], Awaitable[None]]


class Uploads:
    """Where uploads find room and their journal. Without an engine there is none."""

    def __init__(self, engine: AsyncEngine | None = None) -> None:
        self._engine = engine
        self._under_way = 0

    @contextlib.contextmanager
    def room(self) -> Iterator[None]:
        """A place for one upload. Raises Refusal (429) when all are taken."""
        if self._under_way >= IMPORTS_AT_ONCE:
            raise Refusal(
                429, "too_busy", f"{IMPORTS_AT_ONCE} files are being imported here already.",
                retry_after=RETRY_AFTER_SECONDS,
            )  # fmt: skip
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1

    async def ask(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Ask the journal. Raises Refusal (429) while Postgres is away."""
        try:
            if self._engine is None:
                raise OSError
            async with asyncio.timeout(_DATABASE_SECONDS), self._engine.connect() as connection:
                return await work(connection)
        except _AWAY:
            raise Refusal(
                429, "database_away", "Imports can't be written down just now.",
                retry_after=RETRY_AFTER_SECONDS,
            ) from None  # fmt: skip


class Upload:
    """One upload and its job: rows are read, kept safe, and counted."""

    def __init__(self, uploads: Uploads, read: Read, accept: Accept) -> None:
        self.id = uuid.uuid4()
        self.tally = Tally()
        self._uploads = uploads
        self._read = read
        self._accept = accept
        self._saved_at = time.monotonic()

    async def begin(self, kind: Kind, source: str, file: str) -> None:
        """Put the job down. Raises Refusal (429) while Postgres is away."""
        await self._uploads.ask(lambda one: journal.begin(one, self.id, kind, source, file))

    async def take(self, pieces: AsyncIterator[bytes], text: TextFeed, rows: RowFeed) -> None:
        """Return once Kafka has acknowledged every row that can be taken, and the job says so.
        Raises what pieces raise, and Refusal (400) for a file that can't be read, or 429.
        """
        try:
            waiting: list[Item] = []
            async for piece in pieces:
                for item in rows.feed(text.feed(piece)):
                    waiting.append(item)
                    if len(waiting) >= IMPORT_ROWS:
                        await self._take(waiting)
                        waiting = []
                await asyncio.sleep(0)  # a turn for the other requests
            for item in rows.feed(text.feed(b"", final=True), final=True):
                waiting.append(item)
            await self._take(waiting)
        except Refusal as refusal:
            await self._save(stopped=refusal.code)
            raise
        except BaseException:
            await self._save(stopped="cut_off")
            raise
        await self._save(ended=True)

    async def _take(self, items: list[Item]) -> None:
        for place in range(0, len(items), IMPORT_ROWS):
            chunk = self._read(items[place : place + IMPORT_ROWS])
            await self._kept(chunk.events)
            for bad in chunk.rejected:
                REJECTED.labels(bad.code).inc()
            self.tally.add(chunk)
        if time.monotonic() - self._saved_at >= _SAVE_SECONDS:
            await self._save()

    async def _kept(self, events: list[Event]) -> None:
        """Kafka may be away for a moment: the sender waits meanwhile."""
        until = time.monotonic() + IMPORT_PATIENCE_SECONDS
        while events:
            try:
                await self._accept(events)
                break
            except Refusal as refusal:
                if refusal.status != 429 or time.monotonic() >= until:
                    raise
                await asyncio.sleep(refusal.retry_after)

    async def _save(self, *, ended: bool = False, stopped: str = "") -> None:
        """Rows are safe without it: a job that can't be noted is no reason to stop."""
        try:
            await self._uploads.ask(
                lambda one: journal.save(one, self.id, self.tally, ended=ended, stopped=stopped)
            )
        except Refusal:
            log.warning("an import can't be noted", rows=self.tally.rows)
        self._saved_at = time.monotonic()

    def shown(self) -> dict[str, Any]:
        """What it came to: {"rows", "accepted", …, "reasons", "errors"}."""
        tally = self.tally
        told = {"rows": tally.rows, **tally.counts(), "reasons": dict(tally.reasons)}
        return {"id": str(self.id), **told, "errors": tally.errors}

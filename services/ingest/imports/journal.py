"""How far each import is: the rows of the table import_job."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from services.ingest.imports.columns import Kind
from services.ingest.imports.events import Tally, printable
from shared.tables import import_job, retention

# Imports that ended longer ago are forgotten with the next that begins.
_REMEMBERED: Final = timedelta(days=90)
_SILENCE: Final = timedelta(minutes=1)
_Row = RowMapping


async def begin(
    connection: AsyncConnection,
    job: UUID,
    kind: Kind,
    source: str,
    file: str,
    fingerprint: bytes | None = None,
) -> None:
    """Put an import down. file: its name, to show."""
    await connection.execute(
        sa.delete(import_job).where(import_job.c.ended_at < sa.func.now() - _REMEMBERED)
    )
    await connection.execute(
        sa.insert(import_job).values(
            id=job, kind=kind, source=source, file=printable(file), fingerprint=fingerprint
        )
    )
    await connection.commit()


async def save(
    connection: AsyncConnection,
    job: UUID,
    tally: Tally,
    *,
    rejects_bytes: int = 0,
    ended: bool = False,
    stopped: str = "",
) -> None:
    """How far it is: all up to tally.position is kept safe. stopped: why it ended early."""
    await connection.execute(
        sa.update(import_job)
        .where(import_job.c.id == job)
        .values(
            position=tally.position,
            counts=tally.counts(),
            reasons=dict(tally.reasons),
            errors=tally.errors,
            rejects_bytes=rejects_bytes,
            seen_at=sa.func.now(),
            ended_at=sa.func.now() if ended or stopped else None,
            stopped=stopped,
        )
    )
    await connection.commit()


async def newest_of(connection: AsyncConnection, fingerprint: bytes) -> _Row | None:
    """The newest import of the same file, read the same way."""
    query = (
        sa.select(import_job)
        .where(import_job.c.fingerprint == fingerprint)
        .order_by(import_job.c.begun_at.desc())
        .limit(1)
    )
    return (await connection.execute(query)).mappings().first()


async def one_of(connection: AsyncConnection, source: str, job: UUID) -> _Row | None:
    """An import of a source by its id."""
    query = sa.select(import_job).where(import_job.c.id == job, import_job.c.source == source)
    return (await connection.execute(query)).mappings().first()


async def newest(connection: AsyncConnection, limit: int, source: str = "") -> list[_Row]:
    """The newest imports, of one source or of all."""
    query = sa.select(import_job).order_by(import_job.c.begun_at.desc()).limit(limit)
    if source:
        query = query.where(import_job.c.source == source)
    return list((await connection.execute(query)).mappings())


async def swept_ms(connection: AsyncConnection) -> int:
    """Up to when events are gone already, -1 for none."""
    found = await connection.scalar(
        sa.select(retention.c.until_ms).where(retention.c["class"] == "events")
    )
    return -1 if found is None else int(found)


def tally_of(row: _Row) -> Tally:
    """What an import had come to when it was saved last."""
    return Tally(
        position=row["position"],
        **row["counts"],
        reasons=Counter(row["reasons"]),
        errors=list(row["errors"]),
    )


def shown(row: _Row, now: datetime) -> dict[str, Any]:
    """An import as it is told: {"id", "state", …}. state: running; interrupted, where nothing was
    heard of it for a minute (it was killed, or Kafka is away); done; stopped.
    """
    ended = row["ended_at"]
    if ended is None:
        state = "running" if now - row["seen_at"] < _SILENCE else "interrupted"
    else:
        state = "stopped" if row["stopped"] else "done"
    tally = tally_of(row)
    return {
        "id": str(row["id"]),
        "state": state,
        **({"stopped": row["stopped"]} if row["stopped"] else {}),
        "kind": row["kind"],
        "source": row["source"],
        "file": row["file"],
        "rows": tally.rows,
        **tally.counts(),
        "reasons": dict(tally.reasons),
        "errors": tally.errors,
        "begun_at": row["begun_at"].isoformat(),
        "seen_at": row["seen_at"].isoformat(),
        "ended_at": None if ended is None else ended.isoformat(),
    }

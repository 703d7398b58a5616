"""GET /v1/audit over a real Postgres."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import sqlalchemy as sa

from shared.tables import audit_run
from tests.integration.console.conftest import Rows

AT = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)


async def _audited(rows: Rows, **over: Any) -> None:
    values = {
        "ruleset_version": rows.version, "started_at": AT, "seen_at": AT, "leads": 90,
        "checked": 90, "differing": 2, "repaired": 1, "ended_at": AT, **over,
    }  # fmt: skip
    async with rows.engine.begin() as connection:
        await connection.execute(sa.insert(audit_run).values(**values))


async def test_before_the_first_audit_there_is_none(api: httpx.AsyncClient, rows: Rows) -> None:
    """Nulls, not zeros: nothing was checked."""
    answer = await api.get("/v1/audit")
    assert answer.status_code == 200
    assert answer.json() == {"last": None, "unfinished": None}


async def test_the_newest_finished_audit_is_told(api: httpx.AsyncClient, rows: Rows) -> None:
    """What it found, whatever came before it."""
    await _audited(rows, differing=7)
    await _audited(rows)
    assert (await api.get("/v1/audit")).json() == {
        "last": {
            "started_at": "2026-05-04T09:00:00.000Z",
            "seen_at": "2026-05-04T09:00:00.000Z",
            "ended_at": "2026-05-04T09:00:00.000Z",
            "ruleset_version": rows.version,
            "leads": 90,
            "checked": 90,
            "differing": 2,
            "repaired": 1,
        },
        "unfinished": None,
    }


async def test_an_unfinished_audit_stands_beside_the_last(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """Its counts are those so far; one that was given up for a later one isn't told."""
    await _audited(rows, ended_at=None, checked=10)
    await _audited(rows)
    assert (await api.get("/v1/audit")).json()["unfinished"] is None
    await _audited(rows, ended_at=None, checked=40, differing=0, repaired=0)
    answer = (await api.get("/v1/audit")).json()
    assert answer["last"]["checked"] == 90
    assert answer["unfinished"]["checked"] == 40
    assert answer["unfinished"]["ended_at"] is None

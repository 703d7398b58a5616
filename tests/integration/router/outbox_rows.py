"""Facts as the scorer writes them, and readers of what the router makes of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any
from uuid import UUID

import asyncpg

from shared.bus import create_consumer
from shared.ids import new_lead_id, shard_of
from shared.settings import Settings

AT_MS = 1_777_800_000_000  # 2026-05-03T09:20:00Z

INSERT = """
INSERT INTO outbox (shard, lead_id, fact)
SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::jsonb[])
"""


def new_lead() -> str:
    return str(new_lead_id(int(time.time() * 1000)))


def fact(lead_id: str, seq: int, **over: Any) -> dict[str, Any]:
    """A stage change from inform to educate, with one reason."""
    return {
        "kind": "stage_changed",
        "lead_id": lead_id,
        "seq": seq,
        "at_ms": AT_MS + seq * 1000,
        "journey": "main",
        "from_stage": "inform",
        "to_stage": "educate",
        "cause": "event",
        "episode": 1,
        "ruleset_version": 1,
        "known": True,
        "scores": {"engagement": 12.5},
        "reasons": [
            {
                "event_id": "e1",
                "source": "web",
                "type": "page_viewed",
                "rule": "engagement/pricing",
                "points": 10.0,
                "occurred_at": "2026-05-03T09:20:00.000Z",
            }
        ],
        "handoff": None,
        "waiting": False,
        "withheld": False,
        "merged_into": None,
        **over,
    }


def merge(lead_id: str, seq: int, **over: Any) -> dict[str, Any]:
    """A lead takes another in."""
    kept = {"kind": "lead_merged", "cause": "merge", "from_stage": "educate", "reasons": []}
    return fact(lead_id, seq, **{**kept, "scores": {}, "other_lead": new_lead(), **over})


async def put(database_url: str, facts: Iterable[dict[str, Any]], shards: int = 4) -> None:
    """Write facts into the outbox in this order."""
    rows = list(facts)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(
            INSERT,
            [shard_of(UUID(row["lead_id"]), shards) for row in rows],
            [row["lead_id"] for row in rows],
            [json.dumps(row) for row in rows],
        )
    finally:
        await connection.close()


async def ask(database_url: str, query: str, *arguments: Any) -> Any:
    """One value from the database."""
    connection = await asyncpg.connect(database_url)
    try:
        return await connection.fetchval(query, *arguments)
    finally:
        await connection.close()


async def unpublished(database_url: str) -> int:
    count: int = await ask(database_url, "SELECT count(*) FROM outbox WHERE published_at IS NULL")
    return count


async def until(holds: Callable[[], Awaitable[bool]], what: str, seconds: float = 90.0) -> None:
    """Wait for a condition; AssertionError with `what` when it doesn't come in time."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.05)


async def read_topic(settings: Settings, topic: str) -> list[Any]:
    """Every committed record of a topic, in the order of each partition; nothing is deduped."""
    ends_of = create_consumer(settings)
    consumer = create_consumer(
        settings, topic, isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await ends_of.start()
    await consumer.start()
    try:
        places = consumer.assignment()
        ends = await ends_of.end_offsets(list(places))
        records: list[Any] = []
        deadline = time.monotonic() + 90
        while any([await consumer.position(place) < ends[place] for place in places]):
            assert time.monotonic() < deadline, "the end of the topic can't be reached"
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                records.extend(batch)
        return records
    finally:
        await consumer.stop()
        await ends_of.stop()


def header(record: Any, name: str) -> str:
    value: bytes = dict(record.headers)[name]
    return value.decode()

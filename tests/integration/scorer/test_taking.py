"""Batches that are taken in by parts, over a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from services.scorer.batch import MOST_MERGES, BatchClaim
from services.scorer.dead_letters import DeadLetters
from services.scorer.patience import Patience
from services.scorer.scene import Scene
from services.scorer.taking import SMALL_BATCH, Batch, Taker
from shared.envelope import Event, encode_event
from shared.ids import new_lead_id
from shared.settings import Settings
from tests.arrivals import HASH_KEY, ReadRecord
from tests.integration.scorer.bench_of_leads import TOPIC, happening, ruleset

TAKEN_UP_TO = "SELECT next_offset FROM consumer_partition"
DEADLINE_SECONDS = 60.0


@dataclass
class Desk:
    """A partition whose records a taker takes in, with no Kafka behind it: none is poison."""

    pool: Any
    taker: Taker
    offset: int = 0

    async def take(self, events: Iterable[Event]) -> None:
        """All of them as one batch."""
        records = [
            ReadRecord(encode_event(event), self.offset + index)
            for index, event in enumerate(events)
        ]
        claim = BatchClaim(TOPIC, 0, self.offset, self.offset + len(records), 1, 0)
        self.offset = claim.next_offset
        await self.taker.take(Batch(claim, records))


@pytest.fixture
async def desk(settings: Settings, database_url: str) -> AsyncIterator[Desk]:
    """A transaction that waits for a lock for longer than a moment has collided."""
    rules = ruleset()
    patience = Patience(None, lambda ok, why: None)  # type: ignore[arg-type]
    letters = DeadLetters(settings, None)  # type: ignore[arg-type]
    async with asyncpg.create_pool(
        database_url, min_size=1, max_size=2, server_settings={"lock_timeout": "100ms"}
    ) as pool:
        await pool.execute(
            "INSERT INTO consumer_partition (topic, partition, cluster_id, next_offset, epoch)"
            f" VALUES ('{TOPIC}', 0, 'c', 0, 1)"
        )
        taker = Taker(pool, patience, letters, lambda: Scene(rules, 0, 4, new_lead_id), HASH_KEY)
        yield Desk(pool, taker)


async def test_many_merges_are_made_in_several_transactions(desk: Desk) -> None:
    """None of them keeps others waiting for long; all merge, and each part counts as progress."""
    visitors = 2 * MOST_MERGES + 1
    known = [happening(number, email=f"p{number}@x.org") for number in range(visitors)]
    seen = [
        happening(visitors + number, anonymous_id=f"a{number}", after=1)
        for number in range(visitors)
    ]
    named = [
        happening(
            2 * visitors + number, email=f"p{number}@x.org", anonymous_id=f"a{number}", after=2
        )
        for number in range(visitors)
    ]
    await desk.take(known)
    await desk.take(seen)
    parts: list[int] = []
    desk.taker.on_commit = lambda: parts.append(1)
    await desk.take(named)
    assert len(parts) == 3
    merged = "SELECT count(*), count(DISTINCT xmin::text) FROM lead_merge"
    assert tuple(await desk.pool.fetchrow(merged)) == (visitors, 3)
    assert await desk.pool.fetchval(TAKEN_UP_TO) == 3 * visitors


async def test_a_large_batch_that_keeps_colliding_goes_on_by_halves(
    desk: Desk, database_url: str
) -> None:
    """What another holds is waited for by the part that needs it; the rest is taken in before."""
    count = 4 * SMALL_BATCH
    await desk.take([happening(number, email=f"p{number}@x.org") for number in range(count)])
    again = [
        happening(count + number, email=f"p{number}@x.org", after=5) for number in range(count)
    ]
    holder = await asyncpg.connect(database_url)
    try:
        holding = holder.transaction()
        await holding.start()
        last = await holder.fetchval(
            "SELECT lead_id FROM identifier WHERE value = $1", f"p{count - 1}@x.org"
        )
        await holder.execute("SELECT 1 FROM lead WHERE id = $1 FOR UPDATE", last)
        taking = asyncio.create_task(desk.take(again))
        async with asyncio.timeout(DEADLINE_SECONDS):
            while await desk.pool.fetchval(TAKEN_UP_TO) < count + count // 2:
                await asyncio.sleep(0.05)
        assert not taking.done()
        await holding.rollback()
        async with asyncio.timeout(DEADLINE_SECONDS):
            await taking
    finally:
        await holder.close()
    assert await desk.pool.fetchval(TAKEN_UP_TO) == 2 * count
    assert await desk.pool.fetchval("SELECT count(*) FROM event") == 2 * count

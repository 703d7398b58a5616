"""Thousands of leads due at once: in order, in chunks, while events of others go on.

LEADSCORE_DUE sets how many (5,000 by default); `python -m tests.bench.due_bench` measures it.
"""

import os
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from services.scorer import queries
from services.scorer.timers import LEADS_AT_ONCE, act_on_time
from shared.envelope import milliseconds
from tests.bench.due_bench import QUIET, START, Partition, measure, told

LEADS = int(os.environ.get("LEADSCORE_DUE", "5000"))


@pytest.fixture
async def partition(database_url: str) -> AsyncIterator[Partition]:
    """A partition whose leads fall when they were silent for 30 days."""
    async with asyncpg.create_pool(database_url, min_size=2, max_size=4) as pool:
        partition = Partition(pool)
        await partition.begin()
        yield partition


async def test_all_are_seen_to_while_batches_of_others_go_on(database_url: str) -> None:
    """Every lead once; meanwhile batches are taken in, one after the other."""
    seen = await measure(database_url, LEADS)
    print(told(seen))
    assert len(seen.batches.beside) > LEADS / LEADS_AT_ONCE / 10
    # A batch waits for a stretch of leads at a time, never for all: far below a consumer's limits.
    assert max(seen.batches.beside) < 10
    connection = await asyncpg.connect(database_url)
    moved = await connection.fetchrow(
        "SELECT count(*), count(DISTINCT lead_id), min(at_ms), max(at_ms) FROM stage_history"
        " WHERE cause = 'time'"
    )
    first_ms = milliseconds(START + QUIET)
    assert tuple(moved) == (LEADS, LEADS, first_ms, first_ms + LEADS - 1)
    assert await connection.fetchval("SELECT count(*) FROM time_entry") == LEADS
    await connection.close()


async def test_those_due_first_come_first(partition: Partition) -> None:
    """A chunk takes the earliest: what is left is due no earlier than what is done."""
    count = 2 * LEADS_AT_ONCE + 10
    await partition.fill(count)
    until_ms = partition.clockwork.watermark_ms = milliseconds(START + QUIET + timedelta(hours=1))
    for chunk in (LEADS_AT_ONCE, LEADS_AT_ONCE, 10, 0):
        async with partition.pool.acquire() as connection, connection.transaction():
            assert (await act_on_time(connection, partition.scene()))[0] == chunk
        async with partition.pool.acquire() as connection:
            done = await connection.fetchval(
                "SELECT max(at_ms) FROM stage_history WHERE cause = 'time'"
            )
            left = await connection.fetchval("SELECT min(due_ms) FROM lead")
        assert left is None or done < left <= until_ms


async def test_none_due_is_one_look_at_the_index(partition: Partition) -> None:
    """However many leads there are: the plan reads the index on due_ms, and finds no row."""
    await partition.fill(2000)
    async with partition.pool.acquire() as connection:
        plan = await connection.fetch(
            f"EXPLAIN (ANALYZE, BUFFERS) {queries.DUE_LEADS}", 1, milliseconds(START), LEADS_AT_ONCE
        )
    text = "\n".join(row[0] for row in plan)
    assert "Index Scan using lead_due_ms_idx" in text
    assert "Seq Scan" not in text
    touched = next(row[0] for row in plan if "Buffers:" in row[0])
    assert int(touched.split("hit=")[1].split()[0]) <= 5

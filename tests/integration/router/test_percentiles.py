"""Leads to compare with are drawn from a real Postgres, now and then."""

from __future__ import annotations

import asyncpg

from services.router.percentiles import EVERY_MS, Percentiles
from services.router.ruleset_words import words_of
from tests.integration.router.outbox_rows import AT_MS, ask
from tests.integration.router.stored_leads import store_scored

CORE = words_of("""
models: {engagement: {rules: [{id: visit, on: page_viewed, points: 5}]}}
stages: {ladder: [{name: inform}]}
""").core


class Clock:
    now_ms = AT_MS

    def __call__(self) -> int:
        return self.now_ms


async def test_leads_of_the_version_are_drawn_and_remembered_for_five_minutes(
    database_url: str,
) -> None:
    """Leads under another version, and those that are part of others, don't count."""
    await store_scored(database_url, [500.0])
    await ask(database_url, "UPDATE lead SET merged_into = id RETURNING id")
    await store_scored(database_url, [float(number) for number in range(40)])
    await store_scored(database_url, [1000.0] * 10, version=2)
    clock = Clock()
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        percentiles = Percentiles(pool, clock)
        drawn = await percentiles.drawn(1, CORE)
        assert drawn is not None
        assert (len(drawn.scores), drawn.at_ms) == (40, AT_MS)
        assert drawn.below(20.0) == 50.0
        await store_scored(database_url, [100.0])
        clock.now_ms += EVERY_MS - 1
        assert await percentiles.drawn(1, CORE) is drawn
        clock.now_ms += 1
        again = await percentiles.drawn(1, CORE)
        assert again is not None
        assert (len(again.scores), again.at_ms) == (41, clock.now_ms)


async def test_a_hand_off_does_not_wait_for_a_percentile_that_cannot_be_had(
    database_url: str,
) -> None:
    """While the table is locked, or the ruleset can't be read, none is told."""
    await store_scored(database_url, [1.0] * 30)
    async with asyncpg.create_pool(
        database_url, min_size=1, max_size=1, server_settings={"lock_timeout": "50"}
    ) as pool:
        percentiles = Percentiles(pool, Clock())
        holder = await asyncpg.connect(database_url)
        async with holder.transaction():
            await holder.execute("LOCK TABLE lead")
            assert await percentiles.drawn(1, CORE) is None
        await holder.close()
        assert await percentiles.drawn(1, None) is None
        assert await Percentiles(pool, Clock()).drawn(1, CORE) is not None

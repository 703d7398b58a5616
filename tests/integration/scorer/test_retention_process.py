"""Retention in a scorer that runs: it begins by itself, and what is too old is told."""

from __future__ import annotations

import asyncio

import asyncpg

from shared.bus import create_consumer
from shared.envelope import encode_event
from shared.settings import Settings
from tests.integration.scorer.bench_of_leads import happening
from tests.integration.scorer.test_process import all_taken, go_live, send, until_ready
from tests.processes import service


async def _until_carried(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        async with asyncio.timeout(60):
            while not await connection.fetchval("SELECT count(*) FROM carry"):
                await asyncio.sleep(0.05)
            assert await connection.fetchval("SELECT count(*) FROM event") == 0
    finally:
        await connection.close()


async def test_an_event_that_comes_again_after_it_went_is_a_dead_letter(settings: Settings) -> None:
    """It isn't counted twice, though nothing is left to know it by; the reason says why."""
    await go_live(settings)
    old = happening(1, email="p@example.com")
    await send(settings, [old])
    over = {"LEADSCORE_RETENTION_EVENTS_DAYS": "1", "LEADSCORE_RETENTION_START_SECONDS": "0"}
    with service("scorer", settings) as scorer:
        await until_ready(scorer)
        await all_taken(settings, 1)
        assert await asyncio.to_thread(scorer.stop) == 0
    with service("scorer", settings, **over) as scorer:
        await until_ready(scorer)
        await _until_carried(settings)
        await send(settings, [old])
        await all_taken(settings, 2)
    consumer = create_consumer(settings, settings.topics.dead_letter, auto_offset_reset="earliest")
    await consumer.start()
    letter = await asyncio.wait_for(consumer.getone(), 60)
    await consumer.stop()
    assert letter.value == encode_event(old)
    assert dict(letter.headers)["x-error-class"] == b"too_old"

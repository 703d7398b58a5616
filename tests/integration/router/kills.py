"""Killing the router again and again at its worst moments, and reading what came of it."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from shared.settings import Settings
from tests.integration.router.outbox_rows import (
    fact,
    header,
    merge,
    new_lead,
    put,
    read_topic,
    unpublished,
    until,
)
from tests.integration.router.router_process import router


async def assert_once_despite_kills(
    settings: Settings, database_url: str, kills: int, point: str
) -> None:
    """Kill a router `kills` times at `point`; then a read_committed reader that doesn't dedupe
    must see each (lead, sequence) once, in order and without a gap. Every third fact is a merge."""
    leads = [new_lead() for _ in range(20)]
    changes = 4 * kills  # per lead: every kill finds facts that wait
    kinds = (fact, fact, merge)
    facts = [kinds[seq % 3](lead, seq) for seq in range(1, changes + 1) for lead in leads]
    await put(database_url, facts)
    small = settings.model_copy(update={"router_chunk_max": 15})
    for _ in range(kills):
        assert await unpublished(database_url) > 0
        async with router(small, LEADSCORE_FAULT=f"{point}:exit") as process:
            code = await asyncio.wait_for(process.wait(), 90)
            assert code == -9
    async with router(settings):

        async def done() -> bool:
            return await unpublished(database_url) == 0

        await until(done, "the outbox is empty", 120)
    seen: dict[str, list[int]] = defaultdict(list)
    for record in await read_topic(settings, settings.topics.stage_changed):
        seen[record.key.decode()].append(int(header(record, "ce_sequence")))
    assert set(seen) == set(leads)
    for lead in leads:
        assert seen[lead] == list(range(1, changes + 1))

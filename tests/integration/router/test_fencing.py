"""A router that lost its shard changes nothing any more, neither in Postgres nor on the topics."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from services.router.claims import Claims
from services.router.cloudevents import Message
from services.router.decide import STAGE_CHANGED, message_id
from services.router.outbox import LostShardError, mark, save_offsets
from services.router.publisher import Publisher
from shared.settings import Settings
from tests.integration.router.outbox_rows import AT_MS, ask, fact, new_lead, put, read_topic

OFFSETS = "SELECT offsets::text FROM router_shard WHERE shard = 0"


async def test_a_former_owner_marks_nothing(settings: Settings, database_url: str) -> None:
    """Its epoch is old: facts stay unmarked and the stored offsets are the new owner's."""
    await put(database_url, [fact(new_lead(), 1)], shards=1)
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        claims = Claims(pool, "one", 1, 10.0)
        await claims.prepare()
        former, present = await claims.claim(0), await claims.claim(0)
        assert former is not None
        assert present == former + 1
        row_id = await ask(database_url, "SELECT id FROM outbox")
        with pytest.raises(LostShardError):
            await mark(pool, 0, former, [row_id], [], {"t/0": 7})
        with pytest.raises(LostShardError):
            await save_offsets(pool, 0, former, {"t/0": 7})
        assert await ask(database_url, "SELECT published_at FROM outbox") is None
        assert await ask(database_url, OFFSETS) == "{}"
        await mark(pool, 0, present, [row_id], [], {"t/0": 7})
    assert await ask(database_url, "SELECT published_at FROM outbox") is not None
    assert await ask(database_url, OFFSETS) == '{"t/0": 7}'


async def test_a_former_owner_publishes_nothing(settings: Settings) -> None:
    """The next owner's producer fences it: it hears that the shard is lost, readers see nothing."""
    # aiokafka leaves futures of the fenced producer with errors that nobody asks for.
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
    former, present = Publisher(settings, 0), Publisher(settings, 0)
    try:
        await former.start()
        await former.publish([_change("before")])
        await present.start()
        with pytest.raises(LostShardError):
            await former.publish([_change("late")])
        await present.publish([_change("after")])
    finally:
        await former.close()
        await present.close()
    records = await read_topic(settings, settings.topics.stage_changed)
    assert sorted(record.value for record in records) == [b'"after"', b'"before"']


def _change(text: str) -> Message:
    lead = new_lead()
    return Message(
        id=message_id(lead, 1, STAGE_CHANGED),
        kind=STAGE_CHANGED,
        lead_id=lead,
        seq=1,
        at_ms=AT_MS,
        data=f'"{text}"'.encode(),
    )

"""Nothing more is sent about a lead that was erased while its message went out."""

from uuid import UUID

import asyncpg

from services.router.cloudevents import Message
from services.router.outbox import mark
from tests.integration.router.outbox_rows import ask, fact, new_lead, put
from tests.integration.router.test_webhooks import add


async def test_no_webhook_is_queued_for_a_fact_that_was_deleted_meanwhile(
    database_url: str,
) -> None:
    """The other lead's of the same chunk is."""
    erased, other = new_lead(), new_lead()
    await put(database_url, [fact(erased, 1), fact(other, 1)])
    await add(database_url, "crm", "http://127.0.0.1:9/hook")
    messages = [
        Message(UUID(int=number), "handoff-sales", lead, 1, 0, b"{}")
        for number, lead in enumerate((erased, other))
    ]
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        await pool.execute("INSERT INTO router_shard (shard, owner, epoch) VALUES (0, 'me', 1)")
        ids = [row[0] for row in await pool.fetch("SELECT id FROM outbox ORDER BY id")]
        await pool.execute("DELETE FROM outbox WHERE lead_id = $1", UUID(erased))
        await mark(pool, 0, 1, ids, messages, {"t/0": 7})
    queued = await ask(database_url, "SELECT array_agg(lead_id::text) FROM delivery")
    assert queued == [other]

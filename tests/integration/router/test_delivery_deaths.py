"""A router that dies after a receiver took a message, and before that is written down."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import asyncpg
import pytest

from services.router import deliver
from services.router.deliver import Deliverer
from services.router.rendering import render
from shared.outbound import destinations
from shared.outbound.channels import Channels
from shared.outbound.posting import Outbound
from shared.settings import Settings
from tests.integration.router.outbox_rows import new_lead, until
from tests.integration.router.receiver import receiver
from tests.integration.router.test_webhooks import waiting

LEADS, EACH = 20, 3


class Dying(Deliverer):
    """Nothing that it learns is ever written down."""

    async def _flush(self) -> None:
        return


async def test_another_router_takes_up_what_one_left_and_keeps_the_order(
    settings: Settings, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is lost; what came twice has one id, so that receivers drop it; a lead's second
    message comes after its first whatever happens.
    """
    monkeypatch.setattr(deliver, "CLAIM_SECONDS", 0.5)
    leads = [new_lead() for _ in range(LEADS)]
    async with receiver() as to, asyncpg.create_pool(database_url, min_size=1) as pool:
        to.secret = await destinations.add(pool, "crm", to.url, allow_private=True) or ""
        destination = await destinations.find(pool, "crm")
        await pool.executemany(
            "INSERT INTO delivery (destination_id, lead_id, message_id, type, body,"
            " next_attempt_at) VALUES ($1, $2, $3, 'lead.merged', $4, now())",
            [
                (destination.id, lead, f"{lead}/{seq}",
                 json.dumps({"type": "lead.merged", "data": {"lead_id": lead, "sequence": seq}})
                 .encode())
                for seq in range(1, EACH + 1)
                for lead in leads
            ],
        )  # fmt: skip
        channels = Channels(Outbound(), render)
        died = asyncio.create_task(Dying(settings, pool, channels).run(asyncio.Event()))

        async def first_of_each() -> bool:
            return len(to.posted) >= LEADS

        await until(first_of_each, "the first message of each lead is taken")
        died.cancel()
        await asyncio.wait({died})
        stopping = asyncio.Event()
        other = asyncio.create_task(Deliverer(settings, pool, channels).run(stopping))

        async def all_there() -> bool:
            return await waiting(database_url, "crm", "delivered") == LEADS * EACH

        await until(all_there, "all is delivered")
        stopping.set()
        await other
        await channels.close()
    assert to.faults == []
    times = Counter(each.id for each in to.posted)
    assert set(times) == {f"{lead}/{seq}" for lead in leads for seq in range(1, EACH + 1)}
    assert all(times[f"{lead}/1"] >= 2 for lead in leads)
    for lead in leads:
        told = [e.body["data"]["sequence"] for e in to.posted if e.body["data"]["lead_id"] == lead]
        assert told == sorted(told), lead

"""Who gets what, how fast, and again: filters, fields, headers, rates, suppression, resending."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from services.router.deliver import Deliverer
from services.router.delivery_rows import Claimed
from services.router.rendering import render
from shared.outbound import deliveries, destinations
from shared.outbound.channels import Channels
from shared.outbound.destinations import NoDestinationError
from shared.outbound.posting import Outbound
from shared.settings import Settings
from tests.integration.router.outbox_rows import ask, fact, new_lead, put, until
from tests.integration.router.receiver import receiver
from tests.integration.router.router_process import emptied, running
from tests.integration.router.stored_leads import store_lead
from tests.integration.router.test_webhooks import arrived, waiting


async def add(database_url: str, name: str, url: str, **settings: Any) -> str:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        return await destinations.add(pool, name, url, allow_private=True, settings=settings)


async def delivered(database_url: str, name: str, count: int) -> None:
    async def all_there() -> bool:
        return await waiting(database_url, name, "delivered") == count

    await until(all_there, f"{count} messages are delivered to {name}")


@contextlib.asynccontextmanager
async def delivering(settings: Settings, **hooks: Any) -> AsyncIterator[None]:
    """The deliverer alone, without a relay."""
    stopping = asyncio.Event()
    database_url = settings.database_url.get_secret_value()
    async with asyncpg.create_pool(database_url, min_size=1, max_size=5) as pool:
        channels = Channels(Outbound(), render)
        deliverer = Deliverer(settings, pool, channels, **hooks)
        task = asyncio.create_task(deliverer.run(stopping))
        try:
            yield
        finally:
            stopping.set()
            await task
            await channels.close()


async def queued(database_url: str, name: str, count: int) -> None:
    """Messages that wait, each of another lead."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        destination = await destinations.find(pool, name)
        await pool.executemany(
            "INSERT INTO delivery (destination_id, lead_id, message_id, type, body,"
            " next_attempt_at) VALUES ($1, $2, $3, 'lead.merged', $4, now())",
            [
                (destination.id, lead := new_lead(), f"m{number}",
                 b'{"type":"lead.merged","data":{"lead_id":"%s"}}' % lead.encode())
                for number in range(count)
            ],
        )  # fmt: skip


async def test_each_gets_what_it_asks_for(settings: Settings, database_url: str) -> None:
    """By type, by stage and by journey; what nobody asks for isn't queued."""
    lead = new_lead()
    await store_lead(database_url, lead, [])
    async with receiver() as sales, receiver() as stages, receiver() as nothing:
        await add(database_url, "sales", sales.url, filter={"types": ["handoff.*"]})
        await add(database_url, "stages", stages.url, filter={"stages": ["educate"]})
        await add(database_url, "nothing", nothing.url, filter={"journeys": ["renewal"]})
        await put(
            database_url,
            [
                fact(lead, 1),
                fact(lead, 2, from_stage="educate", to_stage="validate", handoff="sales"),
            ],
        )
        async with running(settings):
            await emptied(database_url)
            await delivered(database_url, "sales", 1)
            await delivered(database_url, "stages", 1)
        assert [each.body["type"] for each in sales.posted] == ["handoff.sales"]
        assert [each.body["data"]["to_stage"] for each in stages.posted] == ["educate"]
        assert nothing.posted == []
        assert await ask(database_url, "SELECT count(*) FROM delivery") == 2


async def test_a_receiver_gets_chosen_fields_and_its_headers_and_no_more(
    settings: Settings, database_url: str
) -> None:
    """Chosen when it is sent: what waits goes by the newest choice. The signature is over what
    goes."""
    lead = new_lead()
    await store_lead(database_url, lead, [])
    async with receiver() as to:
        to.secret = await add(
            database_url, "crm", to.url, filter={"types": ["handoff.*"]},
            fields={"include": ["stage.name", "scores"]}, headers={"X-Api-Key": "k-1"},
        )  # fmt: skip
        await put(database_url, [fact(lead, 1, handoff="sales")])
        async with running(settings):
            await arrived(to, 1)
            await delivered(database_url, "crm", 1)
            async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
                fields = {"fields": {"exclude": ["who", "last_actions.url"]}}
                await destinations.change(pool, "crm", settings=fields)
                await deliveries.resend(pool, destination="crm")

            async def again() -> bool:
                return len(to.posted) == 2

            await until(again, "it is sent again")
    assert to.faults == []
    first, second = to.posted
    assert first.id == second.id
    assert first.headers["x-api-key"] == "k-1"
    assert first.body["data"].keys() == {"lead_id", "sequence", "stage", "scores"}
    assert first.body["data"]["stage"].keys() == {"name"}
    assert "who" not in second.body["data"]
    assert "reasons" in second.body["data"]


async def test_a_rate_is_kept_by_all_routers_together(
    settings: Settings, database_url: str
) -> None:
    """Two of them send 20 a second, not 40."""
    async with receiver() as to:
        await add(database_url, "slow", to.url, rate=20)
        await queued(database_url, "slow", 60)
        began = time.monotonic()
        async with delivering(settings), delivering(settings):
            await arrived(to, 60)
        took = time.monotonic() - began
    assert took > 1.5, f"60 messages at 20 a second took {took:.1f} s"
    assert len(to.posted) == 60


class _Refusing:
    """Suppresses what is about some leads."""

    def __init__(self) -> None:
        self.away = True
        self.leads: set[str] = set()

    async def refused(self, found: Sequence[Claimed]) -> dict[int, str]:
        if self.away:
            self.away = False
            raise TimeoutError
        return {each.id: "unsubscribed" for each in found if each.lead_id in self.leads}


async def test_the_last_look_is_at_the_moment_of_sending(
    settings: Settings, database_url: str
) -> None:
    """What is suppressed ends and isn't sent; while nobody can tell, nothing goes and nothing is
    used up."""
    async with receiver() as to:
        await add(database_url, "crm", to.url)
        await queued(database_url, "crm", 2)
        look = _Refusing()
        refused = await ask(database_url, "SELECT lead_id::text FROM delivery ORDER BY id LIMIT 1")
        look.leads = {refused}
        async with delivering(settings, at_sending=look):
            await delivered(database_url, "crm", 1)
            assert await waiting(database_url, "crm", "suppressed") == 1
        assert [each.id for each in to.posted] == ["m1"]
        assert await ask(database_url, "SELECT max(spent) FROM delivery") == 1
        why = "SELECT last_answer FROM delivery WHERE status = 'suppressed'"
        assert await ask(database_url, why) == "unsubscribed"


async def test_what_failed_is_sent_again_in_bulk_with_the_same_ids(
    settings: Settings, database_url: str
) -> None:
    """Only what failed, only to this destination; each attempt stays in the log."""
    async with receiver() as to:
        await add(database_url, "crm", to.url)
        await queued(database_url, "crm", 5)
        await ask(
            database_url,
            "UPDATE delivery SET status = 'failed', attempts = 10, spent = 10, ended_at = now()"
            " WHERE message_id <> 'm0'",
        )
        async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
            dry = await deliveries.resend(
                pool, destination="crm", statuses=["failed"], dry_run=True
            )
            assert (dry, await waiting(database_url, "crm")) == (4, 1)
            since = datetime(2999, 1, 1, tzinfo=UTC)
            assert await deliveries.resend(pool, destination="crm", since=since) == 0
            with pytest.raises(NoDestinationError):
                await deliveries.resend(pool, destination="other")
            assert await deliveries.resend(pool, destination="crm", statuses=["failed"]) == 4
        async with delivering(settings):
            await delivered(database_url, "crm", 5)
        assert {each.id for each in to.posted} == {f"m{number}" for number in range(5)}
        attempt = "SELECT max(attempt) FROM delivery_attempt WHERE outcome = 'delivered'"
        assert await ask(database_url, attempt) == 11


async def test_erased_while_under_way_is_no_trouble(settings: Settings, database_url: str) -> None:
    """A delivery that is gone when its answer comes is not written down, and others are."""
    async with receiver() as to:
        await add(database_url, "crm", to.url)
        await queued(database_url, "crm", 3)
        connection = await asyncpg.connect(database_url)
        async with delivering(settings):
            async with connection.transaction():
                # Held, so that no answer can be noted before it is gone.
                await connection.execute("DELETE FROM delivery WHERE message_id = 'm0'")

            async def rest() -> bool:
                return await waiting(database_url, "crm", "delivered") >= 2

            await until(rest, "the others are noted")
        await connection.close()
        assert await ask(database_url, "SELECT count(*) FROM delivery") == 2


async def test_nothing_waits_for_ever_for_who_is_gone(
    settings: Settings, database_url: str
) -> None:
    """After more than three days behind an open circuit, or for one that is disabled, it failed:
    listed, and there to be sent again."""
    await add(database_url, "crm", "http://127.0.0.1:9/hook")
    await queued(database_url, "crm", 2)
    await ask(
        database_url,
        "UPDATE destination"
        " SET open_until = now() + interval '1 hour', failures = 10, openings = 9",
    )
    old = "UPDATE delivery SET queued_at = now() - interval '100 hours' WHERE message_id = 'm0'"
    await ask(database_url, old)
    async with delivering(settings):

        async def given_up() -> bool:
            return await waiting(database_url, "crm", "failed") == 1

        await until(given_up, "the old one has failed")
    assert await waiting(database_url, "crm") == 1

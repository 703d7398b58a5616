"""Webhooks: signed, in order, tried again, and kept off addresses that aren't public."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from uuid import uuid4

import asyncpg
import pytest
from starlette.responses import RedirectResponse, Response

from shared.outbound import destinations
from shared.outbound.posting import Outbound
from shared.outbound.signing import new_secret
from shared.outbound.trial import send_test
from shared.settings import Settings
from tests.integration.router.outbox_rows import ask, fact, new_lead, put, read_topic, until
from tests.integration.router.receiver import Posted, Receiver, receiver
from tests.integration.router.router_process import emptied, running
from tests.integration.router.stored_leads import store_lead

QUICK = 0.02  # 5 s between attempts become 0.1 s, 5 min 6 s


async def add(
    database_url: str, name: str, url: str, *, allow_private: bool = True, check: bool = True
) -> str:
    """A destination's secret; `check=False` stores it as if its name had led elsewhere then."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        if check:
            return await destinations.add(pool, name, url, allow_private)
        secret = new_secret()
        kept = json.dumps([{"secret": secret, "until": None}])
        await pool.execute(
            destinations.ADD, uuid4(), name, "webhook", url, allow_private, "{}", kept
        )
        return secret


async def arrived(to: Receiver, count: int) -> None:
    async def all_there() -> bool:
        return len({each.id for each in to.posted}) >= count

    await until(all_there, f"{count} messages arrive")


async def waiting(database_url: str, name: str, status: str = "waiting") -> int:
    found: int = await ask(
        database_url,
        "SELECT count(*) FROM delivery AS d JOIN destination AS t ON t.id = d.destination_id"
        " WHERE t.name = $1 AND d.status = $2",
        name,
        status,
    )
    return found


async def test_each_message_is_posted_signed_with_the_data_of_the_topic(
    settings: Settings, database_url: str
) -> None:
    """The reference library verifies it; id and data are those of the record."""
    async with receiver() as to:
        to.secret = await add(database_url, "crm", to.url)
        leads = [new_lead() for _ in range(20)]
        await put(database_url, [fact(lead, seq) for seq in range(1, 4) for lead in leads])
        async with running(settings):
            await arrived(to, 60)
            await emptied(database_url)

            async def ended() -> bool:
                return await waiting(database_url, "crm", "delivered") == 60

            await until(ended, "all are noted as delivered")
    assert to.faults == []
    on_topic = {
        dict(record.headers)["ce_id"].decode(): json.loads(record.value)
        for record in await read_topic(settings, settings.topics.stage_changed)
    }
    assert {each.id: each.body["data"] for each in to.posted} == on_topic
    assert {each.body["type"] for each in to.posted} == {"lead.stage_changed"}
    in_order: dict[str, list[int]] = defaultdict(list)
    for each in to.posted:
        in_order[each.body["data"]["lead_id"]].append(each.body["data"]["sequence"])
    assert all(sequence == [1, 2, 3] for sequence in in_order.values())


async def test_a_failure_is_tried_again_and_holds_up_its_lead_only(
    settings: Settings, database_url: str
) -> None:
    """One lead's first message fails twice: its second waits, other leads' go through; the id
    stays, and every attempt is signed anew."""
    slow, quick = new_lead(), new_lead()
    async with receiver() as to:

        def answer(posted: Posted) -> Response:
            tries = Counter(each.id for each in to.posted)[posted.id]
            first = posted.body["data"]["lead_id"] == slow and posted.body["data"]["sequence"] == 1
            return Response(status_code=503 if first and tries < 3 else 200)

        to.answer = answer
        to.secret = await add(database_url, "crm", to.url)
        await put(database_url, [fact(slow, 1), fact(slow, 2), fact(quick, 1), fact(quick, 2)])
        async with running(settings, webhook_retry_scale=QUICK):
            await arrived(to, 4)
    assert to.faults == []
    told = [(e.body["data"]["lead_id"], e.body["data"]["sequence"]) for e in to.posted]
    assert [seq for lead, seq in told if lead == slow] == [1, 1, 1, 2]
    assert [seq for lead, seq in told if lead == quick] == [1, 2]
    assert told.index((quick, 2)) < told.index((slow, 2))


async def test_a_dead_destination_does_not_hold_up_another(
    settings: Settings, database_url: str
) -> None:
    """One receiver refuses connections, the other has everything."""
    async with receiver() as to:
        to.secret = await add(database_url, "crm", to.url)
        await add(database_url, "dead", "http://127.0.0.1:9/hook")
        await put(database_url, [fact(new_lead(), 1) for _ in range(100)])
        async with running(settings):
            await arrived(to, 100)
        assert await waiting(database_url, "dead") == 100


async def test_410_disables_a_destination_until_it_is_enabled_again(
    settings: Settings, database_url: str
) -> None:
    """Gone means gone: no more is queued for it."""
    async with receiver() as to:
        to.answer = lambda _: Response(status_code=410)
        await add(database_url, "crm", to.url)
        await put(database_url, [fact(new_lead(), 1)])
        async with running(settings):

            async def disabled() -> bool:
                return bool(await ask(database_url, "SELECT disabled_why FROM destination"))

            await until(disabled, "the destination is disabled")
            await put(database_url, [fact(new_lead(), 1)])
            await emptied(database_url)
            assert await ask(database_url, "SELECT count(*) FROM delivery") == 1
            to.answer = lambda _: Response(status_code=200)
            async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
                assert await destinations.enable(pool, "crm")
            await put(database_url, [fact(new_lead(), 1)])
            await arrived(to, 2)


async def test_a_hand_off_is_posted_after_its_stage_change(
    settings: Settings, database_url: str
) -> None:
    """Two messages of one fact: the change first, then the packet."""
    lead = new_lead()
    await store_lead(database_url, lead, [])
    async with receiver() as to:
        to.secret = await add(database_url, "crm", to.url)
        await put(database_url, [fact(lead, 1, handoff="sales")])
        async with running(settings):
            await arrived(to, 2)
    assert [each.body["type"] for each in to.posted] == ["lead.stage_changed", "handoff.sales"]
    assert to.posted[1].body["data"]["who"]["known"] is True


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0"])
async def test_private_addresses_are_refused_unless_allowed(database_url: str, host: str) -> None:
    """When it is added, and by whatever name it goes."""
    with pytest.raises(destinations.DestinationError):
        await add(database_url, "x", f"https://{host}:8443/hook", allow_private=False)


async def test_a_name_that_leads_inside_later_is_refused_at_sending(
    settings: Settings, database_url: str
) -> None:
    """The check stands at the connection: what was public when added may not be now."""
    async with receiver() as to:
        await add(
            database_url, "x", f"https://localhost:{to.port}/", allow_private=False, check=False
        )
        await put(database_url, [fact(new_lead(), 1)])
        async with running(settings):

            async def tried() -> bool:
                answer = await ask(database_url, "SELECT max(last_answer) FROM delivery")
                return answer == "refused: the address is loopback"

            await until(tried, "the attempt is refused")
        assert to.posted == []
        assert await waiting(database_url, "x") == 1


async def test_redirects_are_not_followed_and_long_answers_not_read(
    database_url: str,
) -> None:
    """A receiver can't send us elsewhere, nor fill our memory."""
    async with receiver() as to:
        await add(database_url, "crm", to.url)
        async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
            (destination,) = await destinations.listed(pool)
        to.answer = lambda _: RedirectResponse(f"http://127.0.0.1:{to.port}/elsewhere", 307)
        answer = await send_test(destination)
        assert (answer.status, answer.ok, len(to.posted)) == (307, False, 1)
        to.answer = lambda _: Response(b"x" * 10_000_000)
        assert (await send_test(destination)).ok
        assert to.posted[0].body["type"] == "leadscore.test"


async def test_the_receiver_sees_its_own_name(database_url: str) -> None:
    """The connection goes to the checked address, the Host header keeps the name."""
    async with receiver() as to:
        outbound = Outbound()
        try:
            url = f"http://localhost:{to.port}/hook"
            headers = {"webhook-id": "1", "webhook-timestamp": "1"}
            answer = await outbound.post(url, True, headers, b"{}")
        finally:
            await outbound.close()
        assert answer.ok
        assert to.posted[0].host == f"localhost:{to.port}"

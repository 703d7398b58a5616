"""The router in this process, over a real Kafka and a real Postgres."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from services.router.main import serve
from shared.settings import Settings
from tests.integration.router.outbox_rows import (
    AT_MS,
    ask,
    fact,
    header,
    new_lead,
    put,
    read_topic,
    until,
)
from tests.integration.router.router_process import emptied, router, running
from tests.integration.router.stored_leads import download, store_change, store_lead


async def test_changes_arrive_once_in_order_as_cloudevents(
    settings: Settings, database_url: str
) -> None:
    """Many leads in many chunks: each lead's sequence is contiguous, and the SDK reads each."""
    leads = [new_lead() for _ in range(60)]
    await put(database_url, [fact(lead, seq) for seq in range(1, 21) for lead in leads])
    async with running(settings, router_chunk_max=100):
        await emptied(database_url)
    seen: dict[str, list[int]] = defaultdict(list)
    for record in await read_topic(settings, settings.topics.stage_changed):
        event = from_binary(
            KafkaMessage(headers=dict(record.headers), key=record.key, value=record.value),
            JSONFormat(),
        )
        assert event.get_subject() == record.key.decode()
        seen[record.key.decode()].append(event.get_data()["sequence"])
    assert seen == {lead: list(range(1, 21)) for lead in leads}


async def test_a_hand_off_carries_the_packet_from_what_is_stored(
    settings: Settings, database_url: str
) -> None:
    """The stage change goes out, and the packet with actions up to the change, none after."""
    lead = new_lead()
    events = [download(number, AT_MS - number * 1000) for number in range(5)]
    later = download(99, AT_MS + 60_000)
    await store_lead(database_url, lead, [*events, later])
    await put(database_url, [fact(lead, 1, handoff="sales", to_stage="validate")])
    async with running(settings, public_url="https://leads.example"):
        await emptied(database_url)
    (record,) = await read_topic(settings, settings.topics.handoff_sales)
    assert header(record, "ce_type") == "com.leadscore.handoff.sales.v1"
    packet = json.loads(record.value)
    assert packet["who"]["emails"] == ["sarah@adviser.example"]
    assert packet["who"]["traits"] == {"name": "Sarah"}
    assert [each["title"] for each in packet["content"]] == [f"Guide {n}" for n in range(5)]
    assert packet["last_actions"][0]["words"] == "downloaded “Guide 0”"
    assert packet["reasons"][0]["points"] == 25
    assert packet["link"] == f"https://leads.example/v1/leads/{lead}"
    assert len(await read_topic(settings, settings.topics.stage_changed)) == 1


async def test_a_released_hand_off_tells_of_the_change_it_waited_from(
    settings: Settings, database_url: str
) -> None:
    """The fact of the release says neither where the lead came from nor why; the history does."""
    lead = new_lead()
    await store_lead(database_url, lead, [download(1, AT_MS)])
    change = fact(lead, 1, handoff="sales", to_stage="validate", waiting=True, known=False)
    await store_change(database_url, change)
    release = {"from_stage": "validate", "at_ms": AT_MS + 86_400_000, "reasons": []}
    told = {**change, **release, "kind": "handoff_released", "waiting": False, "known": True}
    await put(database_url, [change, told])
    async with running(settings):
        await emptied(database_url)
    (record,) = await read_topic(settings, settings.topics.handoff_sales)
    packet = json.loads(record.value)
    assert (packet["stage"]["from_stage"], packet["stage"]["name"]) == ("inform", "validate")
    assert packet["stage"]["since"] == "2026-05-03T09:20:01.000Z"
    assert packet["at"] == "2026-05-04T09:20:00.000Z"
    assert [each["rule"] for each in packet["what_changed"]] == ["engagement/pricing"]
    assert len(await read_topic(settings, settings.topics.stage_changed)) == 1


async def test_an_old_unsubscribe_is_found_behind_a_long_history(
    settings: Settings, database_url: str
) -> None:
    """Packets are made from the newest 200 events; suppression looks through all of them. A
    hand-off that lacks consent is not made.
    """
    lead = new_lead()
    events = [download(number, AT_MS - number * 1000) for number in range(400)]
    await store_lead(
        database_url, lead, [*events, download(1000, AT_MS - 10**6, "email_unsubscribed")]
    )
    kept = fact(lead, 2, handoff="content", suppressed="marketing_email")
    await put(database_url, [fact(lead, 1, handoff="content"), kept])
    async with running(settings):
        await emptied(database_url)
    (record,) = await read_topic(settings, settings.topics.handoff_content)
    told = await read_topic(settings, settings.topics.stage_changed)
    suppressed = [json.loads(each.value)["handoff_suppressed"] for each in told]
    assert suppressed == [None, "marketing_email"]
    suppression = json.loads(record.value)["suppression"]
    assert suppression["suppressed"] is True
    assert suppression["unsubscribed_at"] is not None


async def test_a_fact_that_cannot_be_told_holds_up_its_lead_only(
    settings: Settings, database_url: str
) -> None:
    """The bad fact and what follows it wait; every other lead's changes go out."""
    bad, missing, broken, good = (new_lead() for _ in range(4))
    await store_lead(database_url, broken, [])
    await ask(database_url, "UPDATE lead SET scores = '\\x00'")
    await put(
        database_url,
        [
            fact(bad, 1),
            {"kind": "stage_changed", "lead_id": bad, "seq": "two"},
            fact(bad, 3),
            fact(missing, 1, handoff="sales"),
            fact(missing, 2),
            fact(broken, 1, handoff="sales"),
            *[fact(good, seq) for seq in range(1, 6)],
        ],
    )
    async with running(settings, router_chunk_max=2):
        await emptied(database_url, left=5)
    seen: dict[str, list[int]] = defaultdict(list)
    for record in await read_topic(settings, settings.topics.stage_changed):
        seen[record.key.decode()].append(int(header(record, "ce_sequence")))
    assert seen == {bad: [1], good: [1, 2, 3, 4, 5]}


async def test_several_routers_share_the_shards_and_hand_them_on(
    settings: Settings, database_url: str
) -> None:
    """Two routers take two shards each; when one is gone the other has all four, and each change
    is there once."""
    leads = [new_lead() for _ in range(40)]

    async def held(by: int, each: int) -> bool:
        counts = await ask(
            database_url,
            "SELECT array_agg(n) FROM (SELECT count(*) AS n FROM router_shard"
            " WHERE lease_until > now() GROUP BY owner) AS held",
        )
        return sorted(counts or []) == [each] * by

    async with router(settings):
        await until(lambda: held(1, 4), "the first router has every shard")
        await put(database_url, [fact(lead, seq) for seq in range(1, 6) for lead in leads])
        async with router(settings) as second:
            await until(lambda: held(2, 2), "two routers hold two shards each")
            await put(database_url, [fact(lead, seq) for seq in range(6, 11) for lead in leads])
            await emptied(database_url)
            second.kill()
            await second.wait()
            await put(database_url, [fact(lead, 11) for lead in leads])
            await emptied(database_url)
            await until(lambda: held(1, 4), "the first router has every shard again")
    seen: dict[str, list[int]] = defaultdict(list)
    for record in await read_topic(settings, settings.topics.stage_changed):
        seen[record.key.decode()].append(int(header(record, "ce_sequence")))
    assert seen == {lead: list(range(1, 12)) for lead in leads}


async def test_sigterm_ends_it_with_the_shards_given_back(
    settings: Settings, database_url: str
) -> None:
    """Exit code 0, no lease left: the next router starts at once."""
    await put(database_url, [fact(new_lead(), 1)])
    async with router(settings) as process:
        await emptied(database_url)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 90) == 0
    leases = await ask(
        database_url, "SELECT count(*) FROM router_shard WHERE lease_until IS NOT NULL"
    )
    assert leases == 0


async def test_published_facts_are_swept_after_a_week(
    settings: Settings, database_url: str
) -> None:
    """Old rows go, new and unpublished ones stay."""
    lead = new_lead()
    await put(database_url, [fact(lead, seq) for seq in range(1, 4)])
    await ask(
        database_url,
        "UPDATE outbox SET published_at = now() - interval '8 days' WHERE (fact->>'seq')::int < 3",
    )
    async with running(settings):
        await emptied(database_url)

        async def swept() -> bool:
            count: int = await ask(database_url, "SELECT count(*) FROM outbox")
            return count == 1

        await until(swept, "old rows are gone")


async def test_it_refuses_to_leave_shards_to_nobody(settings: Settings, database_url: str) -> None:
    """With fewer shards than the outbox has unpublished facts in, it ends with an error."""
    lead = "00000000-0000-7000-8000-000000000003"
    await put(database_url, [fact(lead, 1)])
    fewer = settings.model_copy(update={"router_shards": 2})
    assert await asyncio.wait_for(serve(fewer, asyncio.Event()), 90) == 1

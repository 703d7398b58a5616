"""The scorer as a process: several share the work, one dies, Postgres goes, records are bad."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import ExitStack

import asyncpg
import pytest

from shared.bus import create_consumer, create_producer
from shared.database import create_engine
from shared.envelope import Event, encode_event
from shared.ids import dedupe_key, partition_key
from shared.ledger import decode_entries
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.integration.scorer.bench_of_leads import RULES, Workbench, happening
from tests.integration.scorer.test_order import SARAH, SHARED
from tests.processes import Service, service
from tests.proxy import Proxy


async def go_live(settings: Settings, text: str = RULES) -> None:
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, text)
    await engine.dispose()


async def send(settings: Settings, events: Sequence[Event | bytes]) -> None:
    producer = create_producer(settings)
    await producer.start()
    secret = settings.hash_key.get_secret_value().encode()
    for event in events:
        if isinstance(event, bytes):
            await producer.send_and_wait(settings.topics.lead_events, event, key=b"k")
        else:
            key = partition_key(secret, event.identifiers)
            await producer.send_and_wait(settings.topics.lead_events, encode_event(event), key=key)
    await producer.stop()


async def all_taken(settings: Settings, count: int, seconds: float = 90.0) -> None:
    """Wait until so many records were taken in, over all partitions."""
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        async with asyncio.timeout(seconds):
            while True:
                taken = await connection.fetchval(
                    "SELECT coalesce(sum(next_offset), 0)::bigint FROM consumer_partition"
                )
                if taken >= count:
                    return
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def picture(settings: Settings, database_url: str | None = None) -> list[object]:
    bench = await Workbench.open(database_url or settings.database_url.get_secret_value())
    found = await bench.picture()
    await bench.connection.close()
    return found


async def until_ready(*running: Service) -> None:
    for one in running:
        await asyncio.to_thread(one.wait_ready)


async def test_a_scorer_takes_in_what_is_there_and_stops_cleanly(settings: Settings) -> None:
    """Events from before its start are scored; SIGTERM ends it with code 0."""
    await go_live(settings)
    await send(settings, SARAH)
    with service("scorer", settings) as scorer:
        await until_ready(scorer)
        await all_taken(settings, len(SARAH))
        assert await asyncio.to_thread(scorer.stop) == 0
    assert len(await picture(settings)) == 1


@pytest.mark.parametrize("story", [SARAH, SHARED], ids=["sarah", "shared computer"])
async def test_three_scorers_any_order_one_killed_give_the_same(
    settings: Settings, database_url: str, story: list[Event]
) -> None:
    """Reversed and doubled over the partitions, three scorers, one of them killed: the same leads
    and entries as one scorer that saw everything in order.
    """
    bench = await Workbench.open(database_url)
    await bench.take_each(story)
    expected = await bench.picture()
    for table in ("lead", "identifier", "event", "checkpoint", "time_entry", "stage_history",
                  "outbox", "consumer_partition"):  # fmt: skip
        await bench.connection.execute(f"TRUNCATE {table}")
    await bench.connection.close()
    await go_live(settings)
    backwards = list(reversed(story))
    with ExitStack() as stack:
        scorers = [
            stack.enter_context(service("scorer", settings, LEADSCORE_INSTANCE=f"s{number}"))
            for number in range(3)
        ]
        await until_ready(*scorers)
        await send(settings, backwards[:4])
        scorers[0].process.send_signal(signal.SIGKILL)
        stack.enter_context(service("scorer", settings, LEADSCORE_INSTANCE="s0"))
        await send(settings, backwards[2:])
        await send(settings, story)
        await all_taken(settings, 2 * len(story) + 2)
    assert await picture(settings) == expected


async def test_bad_records_go_to_the_dead_letter_and_hold_nobody_up(settings: Settings) -> None:
    """Not JSON, nobody named, text and data that Postgres refuses: put aside with the reason, the
    rest is scored.
    """
    await go_live(settings)
    refused = encode_event(happening(2, email="p@example.com"))
    await _refuse(settings, happening(2, email="p@example.com"))
    bad = [
        b"not json",
        b"\xff\xfe",
        encode_event(happening(1)),
        refused,
        encode_event(happening(3, email="a\x00b@example.com")),
        b'{"v":99,' + refused[1:].replace(b'"v":1,', b""),
    ]
    good = [happening(10 + i, email="p@example.com", after=i) for i in range(20)]
    await send(settings, [*good[:10], *bad, *good[10:]])
    with service("scorer", settings) as scorer:
        await until_ready(scorer)
        await all_taken(settings, len(good) + len(bad))
    [(_, _, shown, _, _)] = await picture(settings)
    assert len(shown) == len(good)
    consumer = create_consumer(settings, settings.topics.dead_letter, auto_offset_reset="earliest")
    await consumer.start()
    letters = [await asyncio.wait_for(consumer.getone(), 60) for _ in bad]
    await consumer.stop()
    assert {letter.value for letter in letters} == set(bad)
    for letter in letters:
        headers = dict(letter.headers)
        assert headers["x-original-topic"].decode() == settings.topics.lead_events
        assert headers["x-error-class"]
        assert headers["x-error-message"]
        assert int(headers["x-original-offset"]) >= 0


async def _refuse(settings: Settings, event: Event) -> None:
    """Have Postgres refuse this event's row as bad data, whatever batch it comes in."""
    key = dedupe_key(settings.hash_key.get_secret_value().encode(), event.source, event.id)
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    await connection.execute(
        f"""
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.key = '{key}' THEN
                RAISE EXCEPTION 'refused' USING ERRCODE = 'invalid_text_representation';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION refuse();
        """
    )
    await connection.close()


async def test_postgres_away_makes_it_wait_not_die(settings: Settings) -> None:
    """Readiness goes, liveness stays, and when Postgres is back everything is taken in."""
    await go_live(settings)
    async with Proxy.to(settings.database_url.get_secret_value()) as proxy:
        with service("scorer", settings, DATABASE_URL=proxy.url) as scorer:
            await until_ready(scorer)
            await proxy.cut()
            await send(settings, SARAH)
            async with asyncio.timeout(90):
                while "postgres" not in await asyncio.to_thread(scorer.away):
                    await asyncio.sleep(0.05)
            assert (await asyncio.to_thread(scorer.answer, "/livez"))[0] == 200
            await proxy.mend()
            await all_taken(settings, len(SARAH))
            await until_ready(scorer)
            status, metrics = await asyncio.to_thread(scorer.answer, "/metrics")
            assert status == 200
            assert "leadscore_scorer_events_total" in metrics
            assert await asyncio.to_thread(scorer.stop) == 0
    assert len(await picture(settings)) == 1


async def test_a_recreated_topic_stops_it_with_a_clear_message(settings: Settings) -> None:
    """Offsets beyond the topic's end are somebody else's: nothing is skipped or scored again."""
    await go_live(settings)
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    await connection.execute(
        "INSERT INTO consumer_partition (topic, partition, cluster_id, next_offset)"
        " SELECT $1, p, 'another cluster', 500 FROM generate_series(0, 3) p",
        settings.topics.lead_events,
    )
    await connection.close()
    with service("scorer", settings) as scorer:
        assert await asyncio.to_thread(scorer.process.wait, 90) != 0
        assert "It was made anew, or this is another cluster" in scorer.log.read_text()


async def test_a_published_ruleset_is_taken_up_within_seconds(settings: Settings) -> None:
    """No restart: the points of what is stored already follow the new rules."""
    await go_live(settings)
    await send(settings, [happening(1, "email_clicked", email="p@example.com")])
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    with service("scorer", settings) as scorer:
        await until_ready(scorer)
        await all_taken(settings, 1)
        await go_live(settings, RULES.replace("on: email_clicked, points: 10",
                                              "on: email_clicked, points: 50"))  # fmt: skip
        async with asyncio.timeout(60):
            while await connection.fetchval("SELECT min(ruleset_version) FROM lead") != 2:
                await asyncio.sleep(0.05)
    [entries] = await connection.fetchrow("SELECT entries FROM event")
    await connection.close()
    assert [entry.points for entry in decode_entries(entries)] == [50.0]


async def test_a_scorer_that_makes_no_progress_ends_itself(settings: Settings) -> None:
    """Everything answers, events wait, nothing moves (a lead is locked by somebody else): it ends
    with an error, so that a supervisor starts another.
    """
    await go_live(settings)
    await send(settings, [happening(1, email="p@example.com")])
    blocker = await asyncpg.connect(settings.database_url.get_secret_value())
    with service("scorer", settings, LEADSCORE_STALL_LIMIT_SECONDS="2") as scorer:
        await until_ready(scorer)
        await all_taken(settings, 1)
        async with blocker.transaction():
            await blocker.execute("SELECT * FROM lead FOR UPDATE")
            await send(settings, [happening(2, email="p@example.com", after=1)])
            assert await asyncio.to_thread(scorer.process.wait, 60) != 0
            assert "StalledError" in scorer.log.read_text()
    await blocker.close()

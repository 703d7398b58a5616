"""An order to erase somebody, among other records of its partition, through a real scorer."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import msgspec

from shared.bodies import open_body
from shared.bus import create_producer
from shared.envelope import Event, encode_event, milliseconds
from shared.erasure_order import ErasureOrder, erasure_event
from shared.identity import EMAIL
from shared.ids import identifier_hash
from shared.settings import Settings
from tests.arrivals import HASH_KEY
from tests.integration.scorer.bench_of_leads import START, happening
from tests.integration.scorer.test_process import all_taken, go_live
from tests.processes import service

ANN = "ann@example.com"
ERASED_AT = START + timedelta(days=1)


async def put(settings: Settings, *events: Event | bytes) -> None:
    """All under one key: they are in one partition, and come as one batch."""
    producer = create_producer(settings)
    await producer.start()
    for event in events:
        value = event if isinstance(event, bytes) else encode_event(event)
        await producer.send_and_wait(settings.topics.lead_events, value, key=b"k")
    await producer.stop()


async def test_an_order_cuts_its_batch_and_nothing_else_is_lost(settings: Settings) -> None:
    """Orders first, in the middle, twice, and beside what can't be read: what was received before
    is dropped on either side, others' events and what came later are kept.
    """
    await go_live(settings)
    name = identifier_hash(HASH_KEY, EMAIL, ANN)
    order = ErasureOrder(uuid4(), (), (name,), name, milliseconds(ERASED_AT))
    other = erasure_event(ErasureOrder(uuid4(), (), (), b"n" * 16, order.at_ms))
    later = msgspec.structs.replace(
        happening(5, email=ANN, after=2000), received_at=ERASED_AT + timedelta(hours=9)
    )
    await put(
        settings, other, happening(1, email=ANN), happening(2, user_id="bob", after=1),
        erasure_event(order), b"no event", erasure_event(order), happening(3, email=ANN, after=2),
        happening(4, user_id="bob", after=3), later, b"no event",
    )  # fmt: skip
    with service("scorer", settings) as scorer:
        await asyncio.to_thread(scorer.wait_ready)
        await all_taken(settings, 10)
        metrics = scorer.answer("/metrics")[1].splitlines()
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    bodies = [open_body(row[0]) for row in await connection.fetch("SELECT body FROM event")]
    proofs = await connection.fetch("SELECT erased_at, counts::text FROM erasure")
    await connection.close()
    assert sorted(msgspec.json.decode(body)["id"] for body in bodies) == [
        "event-2", "event-4", "event-5",
    ]  # fmt: skip
    assert [row["erased_at"] is not None for row in proofs] == [True, True]
    assert 'leadscore_scorer_events_total{outcome="erased"} 1.0' in metrics
    assert 'leadscore_scorer_events_total{outcome="dead_letter"} 2.0' in metrics
    assert "leadscore_scorer_erasures_total 2.0" in metrics

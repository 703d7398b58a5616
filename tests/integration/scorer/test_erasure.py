"""A person who is erased is gone, whatever is under way; others stay as they are."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from services.scorer.batch import BatchClaim, take_in
from services.scorer.erasing import begin_erasure, end_erasure, erase_piece
from shared.bodies import open_body
from shared.envelope import Event, milliseconds
from shared.erasure_order import ErasureOrder
from shared.identity import ANONYMOUS, EMAIL, USER_ID
from shared.ids import identifier_hash
from tests.arrivals import HASH_KEY, arrivals_of
from tests.integration.scorer.bench_of_leads import START, TOPIC, Workbench, happening

ANN, BOB = (EMAIL, "ann@example.com"), (USER_ID, "bob")
ERASED_AT = START + timedelta(days=1)
# Tables that may say something of a person; those of the rules, the router and audits can't.
PERSONAL = (
    "lead", "identifier", "identifier_mention", "event", "time_entry", "checkpoint",
    "stage_history", "outbox", "delivery", "lead_merge", "duplicate_pair", "carry",
    "account_member", "account_dirty_lead", "lead_tag", "sequence_enrolment",
    "sequence_step", "lead_owner", "handoff",
    "handoff_act",
)  # fmt: skip


async def order_about(bench: Workbench, *leads: UUID) -> ErasureOrder:
    """The order that the console would send."""
    person = identifier_hash(HASH_KEY, *ANN)
    return ErasureOrder(uuid4(), leads, (person,), person, milliseconds(ERASED_AT), "eve", "asked")


async def erase(bench: Workbench, order: ErasureOrder) -> dict[str, int]:
    """As the scorer does it. Returns the counts of the proof."""
    connection = bench.connection
    async with connection.transaction():
        await begin_erasure(connection, order, HASH_KEY)
    more = True
    while more:
        async with connection.transaction():
            more = await erase_piece(connection, order)
    claim = BatchClaim(TOPIC, 0, bench.offset, bench.offset + 1, 1, 0)
    async with connection.transaction():
        await end_erasure(connection, claim, order)
    bench.offset += 1
    counts: dict[str, int] = json.loads(
        await connection.fetchval(
            "SELECT counts FROM erasure WHERE id = $1 AND erased_at IS NOT NULL", order.id
        )
    )
    return counts


async def places_of(bench: Workbench, *leads: UUID) -> dict[str, int]:
    """In which tables anything speaks of these leads, by their ids."""
    found = {}
    for table in PERSONAL:
        rows = await bench.connection.fetch(f"SELECT t::text AS line FROM {table} t")
        count = sum(any(str(lead) in row["line"] for lead in leads) for row in rows)
        if count:
            found[table] = count
    return found


def received(event: Event, after: timedelta) -> Event:
    """The same, received so long after the erasure."""
    return msgspec.structs.replace(event, received_at=ERASED_AT + after)


async def test_an_erased_person_is_in_no_table_and_the_proof_counts_what_went(
    bench: Workbench,
) -> None:
    """With what was merged with them; somebody else is as before."""
    await bench.take(*[happening(n, anonymous_id="v", after=n) for n in range(70)])
    await bench.take(happening(100, "content_downloaded", email=ANN[1], content_id="a", after=90))
    await bench.take(happening(101, "page_viewed", email=ANN[1], anonymous_id="v", after=91))
    await bench.take(happening(200, "content_downloaded", user_id=BOB[1], content_id="b"))
    leads = {row[0] for row in await bench.connection.fetch("SELECT id FROM lead")} - {
        await bench.lead_of(*BOB)
    }
    assert len(leads) == 2
    before = [one for one in await bench.picture() if "bob" in str(one[0])]
    counts = await erase(bench, await order_about(bench, await bench.lead_of(*ANN)))
    assert await places_of(bench, *leads) == {}
    assert await bench.picture() == before
    assert counts["events"] == 72
    assert counts["leads"] == 2
    assert counts["identifiers"] == 2
    assert counts["checkpoints"] >= 1
    proof = await bench.connection.fetchrow("SELECT * FROM erasure")
    assert (proof["actor"], proof["reason"]) == ("eve", "asked")
    assert set(proof["lead_ids"]) == leads
    assert ANN[1] not in str(proof)


async def test_an_order_that_comes_twice_erases_once(bench: Workbench) -> None:
    """Whoever came back meanwhile stays."""
    await bench.take(happening(1, email=ANN[1]))
    order = await order_about(bench, await bench.lead_of(*ANN))
    counts = await erase(bench, order)
    await bench.take(received(happening(2, email=ANN[1], after=2000), timedelta(hours=1)))
    assert await erase(bench, order) == counts
    assert len(await bench.picture()) == 1


async def test_what_was_received_before_is_dropped_and_what_comes_later_is_a_new_lead(
    bench: Workbench,
) -> None:
    """By any identifier that was theirs; a later event alone counts for the new lead."""
    await bench.take(happening(1, email=ANN[1], anonymous_id="v"))
    old = await bench.lead_of(*ANN)
    await erase(bench, await order_about(bench, old))
    taken = await bench.take(
        happening(2, email=ANN[1], after=1),
        happening(3, anonymous_id="v", after=2),
        happening(4, "lead_aliased", user_id="u", previous_id="v", after=3),
        happening(5, user_id=BOB[1], after=4),
    )
    assert (taken.events, taken.erased) == (1, 3)
    assert await bench.lead_of(*ANN) is None
    taken = await bench.take(received(happening(6, email=ANN[1], after=2000), timedelta(hours=9)))
    assert (taken.events, taken.erased) == (1, 0)
    assert await bench.lead_of(*ANN) not in {None, old}


async def test_an_event_that_a_sender_sends_again_after_the_erasure_is_dropped(
    bench: Workbench,
) -> None:
    """It is received anew, but its key is known; an old one that never came before is new."""
    first = happening(1, email=ANN[1])
    await bench.take(first)
    await erase(bench, await order_about(bench, await bench.lead_of(*ANN)))
    taken = await bench.take(received(first, timedelta(minutes=5)))
    assert (taken.events, taken.erased) == (0, 1)
    never = received(happening(2, email=ANN[1]), timedelta(minutes=5))
    assert (await bench.take(never)).events == 1


async def test_on_a_shared_computer_only_the_persons_own_events_go(bench: Workbench) -> None:
    """The other's run of the anonymous id is then the first; what still comes of the visitor
    without a name from before is dropped, as nobody knows whose it is.
    """
    await bench.take(happening(1, anonymous_id="kiosk"))
    await bench.take(happening(2, email=ANN[1], anonymous_id="kiosk", after=10))
    await bench.take(happening(3, user_id=BOB[1], anonymous_id="kiosk", after=20))
    await bench.take(happening(4, anonymous_id="kiosk", after=30))
    bob = await bench.lead_of(*BOB)
    await erase(bench, await order_about(bench, await bench.lead_of(*ANN)))
    rows = await bench.connection.fetch(
        "SELECT lead_id, since_ms, claimed_ms FROM identifier WHERE kind = $1", ANONYMOUS
    )
    twenty = milliseconds(START + timedelta(minutes=20))
    assert [tuple(row) for row in rows] == [(bob, 0, twenty)]
    taken = await bench.take(
        happening(5, anonymous_id="kiosk", after=40),
        happening(6, user_id=BOB[1], anonymous_id="kiosk", after=41),
    )
    assert (taken.events, taken.erased) == (1, 1)
    assert len((await bench.picture())[0][2]) == 3


async def test_who_is_named_in_anothers_events_is_taken_out_of_them(bench: Workbench) -> None:
    """The other's events and points stay; address, link and trait are gone."""
    await bench.take(happening(1, email=ANN[1]))
    await bench.take(happening(2, user_id=BOB[1]))
    await bench.take(
        happening(3, "content_downloaded", user_id=BOB[1], email=ANN[1], content_id="c", after=5,
                  note="for Ann@Example.com, please", traits={"email": ANN[1], "name": "Bob"})
    )  # fmt: skip
    bob = await bench.lead_of(*BOB)
    counts = await erase(bench, await order_about(bench, await bench.lead_of(*ANN)))
    assert counts["others_events"] == 1
    bodies = [row[0] for row in await bench.connection.fetch("SELECT body FROM event")]
    told = b"".join(open_body(body) for body in bodies)
    assert len(bodies) == 2
    assert b"nn@" not in told
    assert b"for [erased], please" in told
    picture = await bench.picture()  # and folding what is stored gives what is stored
    assert [points for *_, points in picture[0][3]] == [5.0, 20.0]
    scores = await bench.connection.fetchval("SELECT scores FROM lead WHERE id = $1", bob)
    assert b"ann@" not in scores
    assert b"Bob" in scores


async def test_a_batch_that_began_before_ends_first_and_one_that_begins_after_knows_of_it(
    bench: Workbench, database_url: str
) -> None:
    """The race between partitions: a record of before can't make its person anew."""
    await bench.take(happening(1, email=ANN[1]))
    await bench.connection.execute(
        "INSERT INTO consumer_partition (topic, partition, cluster_id, next_offset, epoch)"
        " VALUES ($1, 1, 'c', 0, 1), ($1, 2, 'c', 0, 1)", TOPIC,
    )  # fmt: skip
    order = await order_about(bench, await bench.lead_of(*ANN))
    early, late, eraser = [await asyncpg.connect(database_url) for _ in range(3)]
    try:
        begun = early.transaction()
        await begun.start()
        assert (await _take(bench, early, 1, happening(2, email=ANN[1], after=1))).events == 1
        erasing = asyncio.create_task(_begin(eraser, order))
        await _until_waiting(bench, 1)
        taking = asyncio.create_task(_whole(bench, late, 2, happening(3, email=ANN[1], after=2)))
        await _until_waiting(bench, 2)
        assert not erasing.done()
        assert not taking.done()
        await begun.commit()
        assert await erasing
        taken = await taking
        assert (taken.events, taken.erased) == (0, 1)
    finally:
        for one in (early, late, eraser):
            await one.close()
    await erase(bench, order)
    assert await bench.connection.fetchval("SELECT count(*) FROM lead") == 0
    assert await bench.connection.fetchval("SELECT count(*) FROM event") == 0


async def _take(bench: Workbench, connection: Any, partition: int, *events: Event) -> Any:
    claim = BatchClaim(TOPIC, partition, 0, 1, 1, 0)
    return await take_in(connection, claim, arrivals_of(events), bench.scene())


async def _whole(bench: Workbench, connection: Any, partition: int, *events: Event) -> Any:
    async with connection.transaction():
        return await _take(bench, connection, partition, *events)


async def _begin(connection: Any, order: ErasureOrder) -> bool:
    async with connection.transaction():
        return await begin_erasure(connection, order, HASH_KEY)


async def _until_waiting(bench: Workbench, backends: int) -> None:
    """Until so many connections wait for a lock."""
    async with asyncio.timeout(20):
        while backends != await bench.connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ):
            await asyncio.sleep(0.01)


async def test_a_long_history_goes_in_pieces_that_a_new_process_takes_up(
    bench: Workbench, monkeypatch: Any
) -> None:
    """What one left in the middle, the next one finds by the order, though the lead is gone."""
    monkeypatch.setattr("services.scorer.erasing.ROWS_AT_ONCE", 10)
    await bench.take(*[happening(n, email=ANN[1], after=n) for n in range(35)])
    order = await order_about(bench, await bench.lead_of(*ANN))
    async with bench.connection.transaction():
        assert await begin_erasure(bench.connection, order, HASH_KEY)
        assert await erase_piece(bench.connection, order)
    assert await bench.connection.fetchval("SELECT count(*) FROM event") == 25
    assert (await erase(bench, order))["events"] == 35


async def test_leads_that_have_other_ids_since_are_found_by_the_hashes(bench: Workbench) -> None:
    """As after a restore; on a shared computer the other stays."""
    await bench.take(happening(1, user_id=BOB[1], anonymous_id="kiosk"))
    await bench.take(happening(2, email=ANN[1], anonymous_id="kiosk", after=9))
    order = await order_about(bench, uuid4())
    kiosk = identifier_hash(HASH_KEY, ANONYMOUS, "kiosk")
    counts = await erase(bench, replace(order, hashes=(*order.hashes, kiosk)))
    assert counts["events"] == 1
    assert [names for names, *_ in await bench.picture()] == [
        [(USER_ID, "bob", 0, None), (ANONYMOUS, "kiosk", 0, milliseconds(START))]
    ]


async def test_a_person_of_whom_only_records_are_left_can_be_erased(bench: Workbench) -> None:
    """Nobody has the address yet: what still comes of it is dropped."""
    await erase(bench, await order_about(bench))
    taken = await bench.take(happening(1, email=ANN[1]))
    assert (taken.events, taken.erased) == (0, 1)
    assert await bench.lead_of(*ANN) is None

"""What is stored of a lead at the moment of its hand-off, read from a real Postgres."""

from __future__ import annotations

import asyncpg

from services.router.history import History
from services.router.lead_rows import EVENTS_MAX
from services.router.packet import Company, Lead
from services.router.reasons import Given
from tests.integration.router.outbox_rows import AT_MS, ask, fact, new_lead, put
from tests.integration.router.stored_leads import (
    download,
    store_account,
    store_change,
    store_lead,
    store_time,
)


async def read(database_url: str, lead_id: str) -> Lead:
    """The lead as of AT_MS."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        (found,) = await History(pool).read([(lead_id, AT_MS)])
    assert isinstance(found, Lead)
    return found


async def test_what_time_gave_up_to_the_change_is_read_the_newest_first(
    database_url: str,
) -> None:
    """What it gave at the very instant caused the change; what came after belongs to the next."""
    lead = new_lead()
    await store_lead(database_url, lead, [download(1, AT_MS - 5000)])
    times = ((AT_MS - 9000, 7.0), (AT_MS, -7.0), (AT_MS + 1, 7.0))
    await store_time(database_url, lead, "fit/steady", *times)
    found = await read(database_url, lead)
    assert found.by_time == (
        Given(AT_MS, (("fit/steady", -7.0),)),
        Given(AT_MS - 9000, (("fit/steady", 7.0),)),
    )
    assert [earned.entries for earned in found.events] == [(("engagement/any", 5.0),)]


async def test_what_time_gave_before_the_events_that_are_read_is_left_out(
    database_url: str,
) -> None:
    """An event that isn't read may have taken it back: who reads half would tell what is gone."""
    lead = new_lead()
    events = [download(number, AT_MS - number * 1000) for number in range(EVENTS_MAX + 1)]
    await store_lead(database_url, lead, events)
    oldest_read = AT_MS - (EVENTS_MAX - 1) * 1000
    await store_time(database_url, lead, "fit/steady", (oldest_read - 1, 7.0), (oldest_read, 3.0))
    found = await read(database_url, lead)
    assert len(found.events) == EVENTS_MAX
    assert found.by_time == (Given(oldest_read, (("fit/steady", 3.0),)),)


async def test_a_company_is_told_with_its_people_and_stage(database_url: str) -> None:
    """As the scorer made it the last time; a lead of no company has none."""
    lead, alone = new_lead(), new_lead()
    await store_lead(database_url, lead, [])
    await store_account(database_url, "domain:adviser.example", lead, alone)
    found = await read(database_url, lead)
    assert found.company == Company(
        "domain:adviser.example", 2, {"engagement": 80.5}, "active", AT_MS
    )
    other = new_lead()
    await ask(
        database_url,
        "INSERT INTO lead (id, created_ms, known, ruleset_version, stage, stage_since_ms, scores,"
        " journeys) SELECT $1, 0, true, 1, 'x', 0, scores, journeys FROM lead LIMIT 1",
        other,
    )
    assert (await read(database_url, other)).company is None


async def test_former_hand_offs_are_known_by_their_facts_while_these_are_kept(
    database_url: str,
) -> None:
    """Withheld and waiting ones handed nobody over, a released one did; later moves are none."""
    lead = new_lead()
    await store_lead(database_url, lead, [])
    facts = [
        fact(lead, 1, to_stage="educate", handoff="content"),
        fact(lead, 2, to_stage="involve", handoff="sales", withheld=True),
        fact(lead, 3, to_stage="validate", handoff="sales", waiting=True),
        fact(lead, 4, to_stage="sell", handoff="sales", waiting=True),
        fact(lead, 5, to_stage="later"),
    ]
    for number, each in enumerate(facts):
        each["at_ms"] = AT_MS - 9000 + 1000 * number if number < 4 else AT_MS + 1
        await store_change(database_url, {**each, "reasons": []})
    released = {**facts[3], "kind": "handoff_released", "waiting": False, "at_ms": AT_MS}
    await put(database_url, [*facts[1:], released])
    found = await read(database_url, lead)
    assert [(move.seq, move.to_stage, move.handed) for move in found.moves] == [
        (4, "sell", "sales"),
        (3, "validate", ""),
        (2, "involve", ""),
        (1, "educate", None),
    ]
    assert found.moves[0].scores == {"engagement": 12.5}
    assert found.moves[3].scores == {}


async def test_of_a_long_history_the_first_events_are_read_too(database_url: str) -> None:
    """For how the person came: they are older than the newest that a packet is made from."""
    lead = new_lead()
    events = [download(number, AT_MS - number * 1000) for number in range(EVENTS_MAX + 10)]
    await store_lead(database_url, lead, events)
    found = await read(database_url, lead)
    assert [event.id for event in found.oldest] == [f"d{EVENTS_MAX + 9 - n}" for n in range(5)]
    short = new_lead()
    await ask(database_url, "DELETE FROM rule_number RETURNING number")
    await ask(database_url, "DELETE FROM identifier RETURNING kind")
    await store_lead(database_url, short, [download(9999, AT_MS)])
    assert (await read(database_url, short)).oldest == ()


async def test_many_leads_cost_as_many_queries_as_one(database_url: str) -> None:
    """Reads are set-based."""
    leads = [new_lead() for _ in range(30)]
    await store_lead(database_url, leads[0], [download(1, AT_MS)])
    for lead in leads[1:]:
        await ask(
            database_url,
            "INSERT INTO lead (id, created_ms, known, ruleset_version, stage, stage_since_ms,"
            " scores, journeys) SELECT $1, 0, true, 1, 'x', 0, scores, journeys FROM lead"
            " WHERE id = $2",
            lead,
            leads[0],
        )
    asked_for: list[list[str]] = []
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        history = History(pool)
        await history.read([(leads[0], AT_MS)])  # learns the names of rules
        for asked in (leads[:1], leads):
            queries: list[str] = []
            async with pool.acquire() as connection:
                with connection.query_logger(lambda told, into=queries: into.append(told.query)):
                    await history._read(connection, [(lead, AT_MS) for lead in asked])
            asked_for.append(queries)
    assert asked_for[0] == asked_for[1]
    assert len(asked_for[0]) == 8

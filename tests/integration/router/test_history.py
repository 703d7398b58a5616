"""What is stored of a lead at the moment of its hand-off, read from a real Postgres."""

from __future__ import annotations

import asyncpg

from services.router.history import EVENTS_MAX, History
from services.router.packet import Lead
from services.router.reasons import Given
from tests.integration.router.outbox_rows import AT_MS, new_lead
from tests.integration.router.stored_leads import download, store_lead, store_time


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

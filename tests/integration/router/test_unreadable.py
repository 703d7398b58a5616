"""What is stored of a lead and can't be read harms that lead alone: its clocks wait."""

from __future__ import annotations

import asyncpg
import pytest

from services.router.effects import carry_out
from services.router.ruleset_words import Rulesets
from services.router.sales_clock import SalesClock
from services.router.sequences.clock import SequenceClock
from services.router.table import Effect
from shared.lead_state import JourneyState, encode_journeys
from shared.sequence_store import enter
from tests.integration.router.outbox_rows import AT_MS, ask, new_lead
from tests.integration.router.stored_leads import download, store_lead
from tests.integration.router.test_merged_people import COPY
from tests.integration.router.test_sales_clock import HOUR_MS, handed

RULES = """
models: {engagement: {rules: [{id: any, on: content_downloaded, points: 5}]}}
stages: {ladder: [{name: low}, {name: high, enter: {engagement: 500}}]}
sequences:
  plan:
    hours: {from: "00:00", to: "24:00", days: [mon, tue, wed, thu, fri, sat, sun]}
    steps:
      - {id: first, day: 0, content: [{interest: x, content: {id: hello}}, {content: {id: other}}]}
"""


async def two_leads(url: str) -> tuple[str, str, int]:
    """With the version of the rules."""
    bad, good = new_lead(), new_lead()
    await store_lead(url, good, [download(1, AT_MS)])
    version: int = await ask(
        url, "INSERT INTO ruleset_version (source) VALUES ($1) RETURNING version", RULES
    )
    await ask(
        url, "UPDATE lead SET ruleset_version = $1, journeys = $2 RETURNING 1", version,
        encode_journeys([JourneyState("main", "low", AT_MS, AT_MS)]),
    )  # fmt: skip
    await ask(url, COPY, good, bad)
    return bad, good, version


async def looked(url: str, bad: str, good: str, version: int) -> dict[str, str]:
    """By lead, the steps that went out."""
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        async with pool.acquire() as connection:
            await enter(connection, [(one, "plan", version, AT_MS, "1") for one in (bad, good)])
        clock = SequenceClock(pool, Rulesets(pool), 4, lambda: AT_MS)
        await clock.act()
        await clock.act()
        assert await clock.act() == 0
        rows = await pool.fetch("SELECT lead_id::text, content FROM sequence_step")
        return {row["lead_id"]: row["content"] for row in rows}


@pytest.mark.parametrize("column", ["scores", "journeys"])
async def test_a_lead_that_can_t_be_read_waits(database_url: str, column: str) -> None:
    bad, good, version = await two_leads(database_url)
    await ask(database_url, f"UPDATE lead SET {column} = 'x' WHERE id = $1 RETURNING 1", bad)
    sent = await looked(database_url, bad, good, version)
    assert sent.keys() == {good}
    waits = await ask(database_url, "SELECT due_ms FROM sequence_enrolment WHERE lead_id = $1", bad)
    assert waits == AT_MS + HOUR_MS


async def test_an_event_that_can_t_be_read_is_passed_over(database_url: str) -> None:
    """Looking for interests. (The other lead has no address.)"""
    bad, good, version = await two_leads(database_url)
    body = b'{"no": "event"}'
    await ask(database_url, "UPDATE event SET body = $1 RETURNING 1", body)
    assert await looked(database_url, bad, good, version) == {bad: "", good: "other"}


async def test_a_hand_off_s_clock_waits_where_its_lead_can_t_be_read(database_url: str) -> None:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        bad, _ = await handed(database_url, pool, 2)
        await pool.execute("UPDATE lead SET scores = 'x' WHERE id = $1", bad)
        now_ms = AT_MS + 3 * HOUR_MS
        clock = SalesClock(pool, Rulesets(pool), 4, "", lambda: now_ms)
        assert await clock.act() == 2
        assert await pool.fetchval("SELECT count(*) FROM outbox") == 1
        waits = await pool.fetchval("SELECT clock_ms FROM handoff WHERE lead_id = $1", bad)
        assert waits == now_ms + HOUR_MS
        assert await clock.act() == 0


async def test_the_last_word_on_a_sequence_counts(database_url: str) -> None:
    """Rows that start and stop it within one chunk are carried out in their order."""
    _, lead, _ = await two_leads(database_url)
    start = Effect(lead, AT_MS, "1", 1, start=("plan",))
    stop = Effect(lead, AT_MS + 1, "2", 1, stop=("plan",))
    again = Effect(lead, AT_MS + 2, "3", 1, start=("plan",))
    connection = await asyncpg.connect(database_url)
    await carry_out(connection, [start, stop])
    assert await connection.fetchval("SELECT status FROM sequence_enrolment") == "ended"
    await carry_out(connection, [start, stop, again])
    statuses = await connection.fetch("SELECT status FROM sequence_enrolment ORDER BY entered_ms")
    await connection.close()
    assert [row["status"] for row in statuses] == ["ended", "entered"]

"""Time that acts through scorer processes: several of them, and one is killed amid its timers."""

import asyncio
import signal
from contextlib import ExitStack
from datetime import UTC, datetime

import asyncpg

from shared.settings import Settings
from tests.integration.scorer.bench_of_leads import Workbench, happening, ruleset
from tests.integration.scorer.test_process import all_taken, go_live, send, until_ready
from tests.integration.scorer.test_time_gives import DAY_MINUTES, RULES
from tests.processes import service

PEOPLE = 400
TABLES = ("lead", "identifier", "event", "checkpoint", "time_entry", "stage_history", "outbox",
          "consumer_partition")  # fmt: skip


async def until_none_is_due(connection: asyncpg.Connection, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while await connection.fetchval(
            "SELECT count(*) FROM lead WHERE due_ms <= extract(epoch FROM now()) * 1000"
        ):
            await asyncio.sleep(0.05)


async def test_scorers_killed_amid_their_timers_see_to_each_lead_once(
    settings: Settings, database_url: str
) -> None:
    """Everybody was silent for months. Two scorers see to it, one is killed and comes again: the
    same entries as one scorer gives that sees everything in order, and no number is missing.
    """
    events = [
        happening(turn * 1000 + at, "content_downloaded", email=f"p{at}@example.com",
                  after=turn * 10 * DAY_MINUTES + at)
        for turn in range(2) for at in range(PEOPLE)
    ]  # fmt: skip
    bench = await Workbench.open(database_url, ruleset(RULES))
    await bench.take(*events[:PEOPLE])
    await bench.take(*events[PEOPLE:])
    await bench.pass_time(datetime.now(UTC))
    expected = await bench.picture()
    for table in TABLES:
        await bench.connection.execute(f"TRUNCATE {table}")
    await go_live(settings, RULES)
    with ExitStack() as stack:
        scorers = [
            stack.enter_context(service("scorer", settings, LEADSCORE_INSTANCE=f"s{number}"))
            for number in range(2)
        ]
        await until_ready(*scorers)
        await send(settings, events)
        scorers[0].process.send_signal(signal.SIGKILL)
        stack.enter_context(service("scorer", settings, LEADSCORE_INSTANCE="s0"))
        await all_taken(settings, len(events))
        await until_none_is_due(bench.connection)
    assert await bench.picture() == expected
    gaps = await bench.connection.fetchval(
        "SELECT count(*) FROM (SELECT max(seq) <> count(*) AS gap FROM stage_history"
        " GROUP BY lead_id) AS each WHERE gap"
    )
    assert gaps == 0
    await bench.connection.close()

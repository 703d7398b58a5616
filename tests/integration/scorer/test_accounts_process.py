"""Companies through scorer processes, one of which is killed."""

import asyncio
import json
import signal
from contextlib import ExitStack

import asyncpg

from shared.settings import Settings
from tests.integration.scorer.bench_of_leads import happening
from tests.integration.scorer.firms import RULES
from tests.integration.scorer.test_process import all_taken, go_live, send, until_ready
from tests.processes import service

PEOPLE, FIRMS = 400, 40
FRESH_SECONDS = 2.0


async def accounts(connection: asyncpg.Connection) -> dict[str, tuple[int, float]]:
    rows = await connection.fetch("SELECT key, members, scores FROM account")
    return {row["key"]: (row["members"], json.loads(row["scores"])["engagement"]) for row in rows}


async def test_companies_follow_within_two_seconds_though_a_scorer_is_killed(
    settings: Settings, database_url: str
) -> None:
    """From the last batch on; nothing of what the dead one had taken is missing."""
    rules = RULES.replace("decay: {half_life: 10m}", "decay: none")
    await go_live(settings, rules)
    events = [
        happening(turn * 1000 + at, email=f"p{at}@f{at % FIRMS}.example", after=turn)
        for turn in range(5) for at in range(PEOPLE)
    ]  # fmt: skip
    expected = {
        f"domain:f{firm}.example": (PEOPLE // FIRMS, 50.0 * PEOPLE // FIRMS)
        for firm in range(FIRMS)
    }
    connection = await asyncpg.connect(database_url)
    with ExitStack() as stack:
        scorers = [
            stack.enter_context(service("scorer", settings, LEADSCORE_INSTANCE=f"s{number}"))
            for number in range(2)
        ]
        await until_ready(*scorers)
        await send(settings, events)
        async with asyncio.timeout(20):
            while not await accounts(connection):
                await asyncio.sleep(0.01)
        scorers[0].process.send_signal(signal.SIGKILL)
        stack.enter_context(service("scorer", settings, LEADSCORE_INSTANCE="s0"))
        await all_taken(settings, len(events))
        async with asyncio.timeout(FRESH_SECONDS):
            while await accounts(connection) != expected:
                await asyncio.sleep(0.02)
    await connection.close()

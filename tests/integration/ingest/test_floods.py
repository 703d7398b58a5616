"""One lead on which everything pours down: the others are taken and scored all the same."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx

from shared.database import create_engine
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.ingest_server import serving_ingest
from tests.processes import service

SECONDS = 90.0
FLOOD = 20_000
OTHERS = 30
RULES = """
models: {interest: {rules: [{id: asked, on: demo_requested, points: 1}]}}
stages: {ladder: [{name: cold}, {name: warm, enter: {interest: 1000000}}]}
"""


@asynccontextmanager
async def client_of(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving_ingest(settings) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as client,
    ):
        yield client


async def asked(client: httpx.AsyncClient, key: str, *people: str) -> int:
    """Each of them asks for a demo, in one batch. Returns the status."""
    calls = [{"type": "track", "event": "Demo Requested", "userId": name} for name in people]
    answer = await client.post(
        "/v1/batch", json={"batch": calls}, headers={"authorization": f"Bearer {key}"}
    )
    return answer.status_code


async def test_a_flood_on_one_lead_is_held_at_the_door(settings: Settings) -> None:
    """Of a key that anybody may have; while it lasts, the same key brings others as ever."""
    statuses: Counter[int] = Counter()
    async with client_of(settings.model_copy(update={"rate_per_address": 0})) as client:

        async def flood() -> None:
            for _ in range(40):
                statuses[await asked(client, "test-write-key", *["victim"] * 50)] += 1

        pouring = asyncio.create_task(flood())
        others = [await asked(client, "test-write-key", f"o{n}") for n in range(OTHERS)]
        await pouring
    assert statuses[200] + statuses[429] == 40
    assert statuses[429] > 25
    assert others == [200] * OTHERS


async def test_a_flood_that_a_server_may_send_delays_nobody_for_good(settings: Settings) -> None:
    """Twenty thousand events of one lead, others' among them: each is there, each counted once."""
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, RULES)
    await engine.dispose()
    with service("scorer", settings) as scorer:
        await asyncio.to_thread(scorer.wait_ready)
        async with client_of(settings) as client:
            for number in range(FLOOD // 1000):
                people = ["victim"] * 1000 + [f"o{number}"]
                assert await asked(client, "test-secret-key", *people) == 200
        wanted = {"victim": FLOOD} | {f"o{number}": 1 for number in range(FLOOD // 1000)}
        await counted(settings, wanted)


async def counted(settings: Settings, wanted: dict[str, int]) -> None:
    """Wait until Postgres has so many events of each person."""
    found: dict[str, int] = {}
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    try:
        async with asyncio.timeout(SECONDS):
            while found != wanted:
                await asyncio.sleep(0.1)
                rows = await connection.fetch(
                    "SELECT value, count(*) AS events FROM identifier JOIN event"
                    " USING (lead_id) GROUP BY value"
                )
                found = {row["value"]: row["events"] for row in rows}
    except TimeoutError:
        raise AssertionError(f"not as wanted: {found}") from None
    finally:
        await connection.close()

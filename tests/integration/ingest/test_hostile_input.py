"""More than two thousand requests that no honest sender makes, and what comes of them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from services.ingest.providers.visits import Visits
from shared.database import create_engine
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.ingest_server import serving_ingest
from tests.integration.ingest.hostile import AUTH, BASE, Bad, corpus
from tests.processes import service
from tests.signed_deliveries import CERTIFICATE_URL, SIGNERS, amazons_certificate

SECONDS = 90.0
GOOD_LEADS = 40
REFUSALS = {400, 401, 403, 404, 405, 413, 415}
RULES = """
models: {interest: {rules: [{id: asked, on: demo_requested, points: 1}]}}
stages: {ladder: [{name: cold}, {name: warm, enter: {interest: 100000}}]}
"""


@pytest.fixture
def open_to_all(settings: Settings) -> Settings:
    """An account of every provider, and no limits of rate: they would hide what comes after."""
    accounts = {
        name: {"default": {"secrets": [one.secret], "options": dict(one.options)}}
        for name, one in SIGNERS.items()
    }
    return settings.model_copy(
        update={
            "sources": SecretStr(json.dumps(accounts)), "ingest_url": BASE,
            "rate_per_key": 0, "rate_per_address": 0, "rate_per_lead": 0,
        }
    )  # fmt: skip


async def test_no_input_breaks_anything(open_to_all: Settings) -> None:
    """No answer is a 5xx; refusals say what and where; and no partition is stuck behind it: whoever
    asks for a demo after all that is known to the scorer.
    """
    engine = create_engine(open_to_all)
    async with engine.begin() as connection:
        await publish(connection, RULES)
    await engine.dispose()
    visits = Visits(httpx.MockTransport(amazon))
    statuses: Counter[int] = Counter()
    room = asyncio.Semaphore(16)

    async def send(client: httpx.AsyncClient, bad: Bad) -> None:
        async with room:
            answer = await client.request(
                bad.method, bad.path, content=bad.body, headers=bad.headers
            )
        statuses[answer.status_code] += 1
        assert answer.status_code in {200, 204, 302, 303, *REFUSALS}, (bad, answer.text)
        if answer.status_code in REFUSALS and "json" in answer.headers.get("content-type", ""):
            assert set(answer.json()["error"]) == {"code", "message", "path"}, bad

    with service("scorer", open_to_all):
        async with (
            serving_ingest(open_to_all, visits=visits) as url,
            httpx.AsyncClient(base_url=url, timeout=30) as client,
        ):
            await asyncio.gather(*(send(client, bad) for bad in corpus()))
            assert statuses.total() > 2000
            assert statuses[400] > 800
            assert statuses[200] > 800
            await ask_for_demos(client)
        await are_known(open_to_all)


def amazon(request: httpx.Request) -> httpx.Response:
    """Stands in for Amazon's own web servers, which can't be reached from a test."""
    known = str(request.url) == CERTIFICATE_URL
    return httpx.Response(200 if known else 404, content=amazons_certificate() if known else b"")


async def ask_for_demos(client: httpx.AsyncClient) -> None:
    """So many people that every partition has some."""
    now = datetime.now(UTC).isoformat()
    for number in range(GOOD_LEADS):
        call = {"event": "Demo Requested", "userId": f"good-{number}", "timestamp": now}
        assert (await client.post("/v1/track", json=call, headers=AUTH)).status_code == 200


async def are_known(settings: Settings) -> None:
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    found = 0
    try:
        async with asyncio.timeout(SECONDS):
            while found < GOOD_LEADS:
                await asyncio.sleep(0.1)
                found = await connection.fetchval(
                    "SELECT count(*) FROM identifier WHERE value LIKE 'good-%'"
                )
    except TimeoutError:
        raise AssertionError(f"only {found} of {GOOD_LEADS} people are known") from None
    finally:
        await connection.close()

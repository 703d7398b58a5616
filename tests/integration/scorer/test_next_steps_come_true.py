"""What the API says would help is sent to the scorer, and comes true; so does the fall."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.console.app import create_app
from services.scorer.core.compile import compile_ruleset
from shared.database import engine_for
from shared.envelope import milliseconds, rfc3339
from shared.health import Health
from shared.ruleset.store import load, publish
from tests.integration.console.conftest import no_kafka
from tests.integration.scorer.bench_of_leads import RULES, START, Workbench, happening

TOKEN = "test-api-token"
EMAIL = "sarah@example.com"
NOW = START + timedelta(hours=1)


@pytest.fixture
async def api(bench: Workbench, database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """The read API an hour after the start, over the rules that the bench scores by."""
    engine = engine_for(database_url)
    async with engine.begin() as connection:
        stored = await load(connection, await publish(connection, RULES))
    bench.rules = compile_ruleset(stored.document, stored.rule_numbers, stored.version)
    app = create_app(engine, Health(), TOKEN, lambda: milliseconds(NOW), no_kafka)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://api",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client
    await engine.dispose()


async def next_of(api: httpx.AsyncClient, email: str) -> Any:
    found = (await api.get(f"/v1/leads?email={email}")).json()["items"]
    return (await api.get(f"/v1/leads/{found[0]['id']}/next")).json()


async def test_a_step_comes_true_when_it_is_sent(bench: Workbench, api: httpx.AsyncClient) -> None:
    """Of leads with the same past, one does what is told to help, another what is not."""
    for number in range(3):
        email = f"{number}@example.com"
        await bench.take(
            happening(10 * number, "content_downloaded", email=email, content_id="new-0"),
            happening(10 * number + 1, "email_clicked", email=email, after=1),
        )
    told = await next_of(api, "0@example.com")
    assert (told["stage"], told["at"]) == ("educate", rfc3339(milliseconds(NOW)))
    steps = {step["rule"]: step for step in told["steps"]}
    assert list(steps) == ["engagement/download"]
    event = steps["engagement/download"]["event"]
    await bench.take(
        happening(99, event["type"], email="1@example.com", after=60, **event["properties"])
    )
    fact = (await bench.facts())[-1]
    assert (fact["to_stage"], fact["at_ms"]) == ("validate", milliseconds(NOW))
    others = {other["rule"]: other for other in told["others"]}
    assert others["engagement/click"]["why"] == "not_enough"
    before = len(await bench.facts())
    await bench.take(happening(100, "email_clicked", email="2@example.com", after=60))
    assert len(await bench.facts()) == before


async def test_the_fall_that_is_told_comes_at_its_millisecond(
    bench: Workbench, api: httpx.AsyncClient
) -> None:
    """And not at the one before."""
    await bench.take(happening(1, "content_downloaded", email=EMAIL, content_id="a"))
    move = (await next_of(api, EMAIL))["if_nothing_happens"]
    assert (move["from_stage"], move["to_stage"]) == ("educate", "inform")
    due = START.fromisoformat(move["at"])
    assert await bench.pass_time(due - timedelta(milliseconds=1)) == 0
    assert await bench.pass_time(due) == 1
    fact = (await bench.facts())[-1]
    assert (fact["to_stage"], rfc3339(fact["at_ms"])) == ("inform", move["at"])

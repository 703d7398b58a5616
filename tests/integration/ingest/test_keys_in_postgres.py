"""`leadscore keys`: made, limited, rotated, revoked while ingest runs; a flood on one of them."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from services.ingest.dependencies import follow_sources
from services.ingest.keys import Keys, keys_of
from services.ingest.sources import Sources
from shared.database import create_engine
from shared.health import Health
from shared.settings import Settings
from shared.tables import api_key
from tests.ingest_server import reading_events, serving_ingest

WAIT_SECONDS = 60.0


class Command:
    """Runs `leadscore keys …` on the test's database, as a process of its own."""

    def __init__(self, settings: Settings) -> None:
        self._environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
            "LEADSCORE_HASH_KEY": settings.hash_key.get_secret_value(),
        }

    async def __call__(self, *words: str, code: int = 0) -> Any:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.cli", "keys", *words, env=self._environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate()
        assert process.returncode == code, output.decode()
        return json.loads(output) if "--json" in words else output.decode()


@pytest.fixture
def keys_command(settings: Settings) -> Command:
    return Command(settings)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an ingest that follows the table, with small limits."""
    given = settings.model_copy(update={"rate_per_key": 2, "rate_per_address": 0})
    keys: Keys = keys_of(given)
    engine = create_engine(given, pool_size=1)
    following = asyncio.create_task(follow_sources(engine, Sources(), Health(), keys))
    try:
        async with (
            serving_ingest(given, keys=keys) as url,
            httpx.AsyncClient(base_url=url) as client,
        ):
            yield client
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await engine.dispose()


async def post(
    client: httpx.AsyncClient, key: str, path: str = "/v1/track", **headers: str
) -> tuple[int, str]:
    """Status, and the code of a refusal."""
    answer = await client.post(
        path,
        json={"event": "Thing", "type": "track", "anonymousId": "a1"},
        headers={"authorization": f"Bearer {key}", **headers},
    )
    return answer.status_code, answer.json().get("error", {}).get("code", "")


async def becomes(client: httpx.AsyncClient, key: str, status: int) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while (await post(client, key))[0] != status:
            await asyncio.sleep(0.1)


async def test_a_key_lives_by_its_limits_and_ends(
    client: httpx.AsyncClient, keys_command: Command, settings: Settings
) -> None:
    """Only its hash is kept; its use is noted; two are valid while one takes the other's place."""
    made = await keys_command(
        "add", "shop", "--origin", "https://acme.example", "--use", "segment", "--json"
    )
    key = made["key"]
    await becomes(client, key, 200)
    assert await post(client, key, origin="https://evil.example") == (403, "origin_not_allowed")
    assert (await post(client, key, origin="https://acme.example"))[0] == 200
    assert await post(client, key, path="/collect") == (403, "use_not_allowed")
    async with reading_events(settings) as written:
        events = await written.until(lambda events: len(events) >= 2, "its events")
    assert {event.source for event in events} == {"shop"}
    next_one = await keys_command("rotate", str(made["id"]), "--json")
    await becomes(client, next_one["key"], 200)
    assert (await post(client, key))[0] == 200
    assert await post(client, next_one["key"], path="/collect") == (403, "use_not_allowed")
    await keys_command("revoke", str(made["id"]), "--dry-run")
    await keys_command("revoke", str(made["id"]))
    await becomes(client, key, 401)
    assert (await post(client, next_one["key"]))[0] == 200
    engine = create_engine(settings, pool_size=1)
    try:
        async with engine.connect() as connection:
            stored = str((await connection.execute(sa.select(api_key))).all())
    finally:
        await engine.dispose()
    assert key not in stored
    assert next_one["key"] not in stored
    async with asyncio.timeout(WAIT_SECONDS):
        while not all(row["used_at"] for row in await keys_command("list", "--all", "--json")):
            await asyncio.sleep(0.2)
    assert "revoked" in await keys_command("list", "--all")
    assert len(await keys_command("list", "--json")) == 1


async def test_a_flood_on_one_key_leaves_the_others_alone(
    client: httpx.AsyncClient, keys_command: Command
) -> None:
    """It is told when to come again."""
    noisy = (await keys_command("add", "noisy", "--json"))["key"]
    quiet = (await keys_command("add", "quiet", "--secret", "--json"))["key"]
    await becomes(client, noisy, 200)
    await becomes(client, quiet, 200)
    answers = [await post(client, noisy) for _ in range(60)]
    assert (429, "rate_limited") in answers
    assert [await post(client, quiet) for _ in range(20)] == [(200, "")] * 20


async def test_what_is_wrong_with_a_command_is_said(keys_command: Command) -> None:
    """And nothing is made."""
    for words in (
        ("add", "operator"), ("add", "a b"), ("add", "web", "--origin", "acme.example"),
        ("add", "web", "--use", "everything"), ("rotate", "99"), ("revoke", "99"),
    ):  # fmt: skip
        assert "error" in await keys_command(*words, code=1)
    assert "no keys yet" in await keys_command("list")
    assert "dry run" in await keys_command("add", "web", "--dry-run")
    assert "no keys yet" in await keys_command("list")

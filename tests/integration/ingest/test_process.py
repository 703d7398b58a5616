"""The ingest process from outside: ready, serving, and a clean end."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import httpx

from deploy.local import ports
from shared.settings import Settings
from tests.ingest_server import reading_events
from tests.processes import service
from tests.proxy import Proxy

ROOT = Path(__file__).parents[3]


def environment(settings: Settings, port: int, **over: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "LEADSCORE_TOPIC_PREFIX": settings.topic_prefix,
        "LEADSCORE_HASH_KEY": "0123456789abcdef",
        "LEADSCORE_WRITE_KEYS": "web:k",
        "LEADSCORE_PORT": str(port),
        **over,
    }


async def start(settings: Settings, port: int, **over: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.ingest", cwd=ROOT, env=environment(settings, port, **over),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_sigterm_finishes_what_it_has_and_exits_with_0(settings: Settings) -> None:
    """Requests under way when the signal comes are answered, and what they brought is kept."""
    port = ports.choose(taken=set())
    process = await start(settings, port)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            await until_ready(client)
            call = {"event": "x", "anonymousId": "private@example.com", "writeKey": "k"}
            posts = [
                client.post("/v1/track", json={**call, "messageId": f"m{number}"})
                for number in range(30)
            ]
            underway = asyncio.gather(*posts, return_exceptions=True)
            await asyncio.sleep(0)
            process.send_signal(signal.SIGTERM)
            answers = await underway
        _, log = await asyncio.wait_for(process.communicate(), 90)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0
    assert b"private@" not in log
    taken = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert all(answer.status_code == 200 for answer in taken)
    async with reading_events(settings) as written:
        await written.until(lambda events: len(events) >= len(taken), "every event answered 200")


async def test_settings_that_cannot_be_read_stop_the_start(settings: Settings) -> None:
    """With a message instead of a stack trace, and an exit code."""
    for over in (
        {"LEADSCORE_WRITE_KEYS": "web:"},
        {"LEADSCORE_SENDGRID_PUBLIC_KEY": "nonsense"},
        {"LEADSCORE_REDIRECT_ORIGINS": "not an origin"},
    ):
        process = await start(settings, 0, **over)
        _, log = await asyncio.wait_for(process.communicate(), 90)
        assert process.returncode == 2
        assert b"settings can't be used" in log
        assert b"Traceback" not in log


async def test_without_postgres_it_is_not_ready_but_takes_events(settings: Settings) -> None:
    """Readiness goes and liveness stays; an event needs Kafka alone, so it is answered 200."""
    call = {"event": "x", "anonymousId": "a", "writeKey": "test-write-key"}
    async with Proxy.to(settings.database_url.get_secret_value()) as proxy:
        with service("ingest", settings, DATABASE_URL=proxy.url) as ingest:
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{ingest.port}", timeout=60
            ) as client:
                await until_ready(client)
                await proxy.cut()
                await until_away(client, {"sources"})
                assert (await client.get("/livez")).status_code == 200
                answer = await client.post("/v1/track", json=call)
                assert answer.json() == {"success": True}
                await proxy.mend()
                await until_ready(client)
            assert await asyncio.to_thread(ingest.stop) == 0


async def until_away(client: httpx.AsyncClient, names: set[str]) -> None:
    async with asyncio.timeout(90):
        while (answer := await client.get("/readyz")).json()["away"].keys() != names:
            await asyncio.sleep(0.05)
    assert answer.status_code == 503


async def until_ready(client: httpx.AsyncClient) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until:
        try:
            if (await client.get("/readyz")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.1)
    raise AssertionError("ingest is not ready after 90 s")

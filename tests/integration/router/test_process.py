"""The router's process: what it answers about itself, and how its commands work."""

from __future__ import annotations

import asyncio
import re
import socket
import sys

import httpx

from shared.settings import Settings
from tests.integration.router.outbox_rows import fact, new_lead, put, until
from tests.integration.router.receiver import receiver
from tests.integration.router.router_process import ROOT, emptied, environment, router
from tests.proxy import Proxy


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


async def get(url: str) -> httpx.Response | None:
    try:
        async with httpx.AsyncClient() as client:
            return await client.get(url)
    except httpx.TransportError:
        return None


async def test_it_is_ready_while_kafka_and_postgres_answer(settings: Settings) -> None:
    """Alive, ready, and with metrics that name no lead."""
    port = free_port()
    async with router(settings, LEADSCORE_PORT=str(port)):

        async def ready() -> bool:
            answer = await get(f"http://127.0.0.1:{port}/readyz")
            return answer is not None and answer.status_code == 200

        await until(ready, "the router is ready")
        metrics = await get(f"http://127.0.0.1:{port}/metrics")
        assert metrics is not None
        assert "leadscore_router_shards_held" in metrics.text


async def test_while_postgres_is_away_it_lives_and_goes_on_after(
    settings: Settings, database_url: str
) -> None:
    """Readiness goes, liveness stays; when Postgres is back, what waits is published."""
    port = free_port()

    async def away() -> set[str] | None:
        answer = await get(f"http://127.0.0.1:{port}/readyz")
        return None if answer is None else set(answer.json()["away"])

    async def ready() -> bool:
        return await away() == set()

    async def unready() -> bool:
        return await away() == {"postgres"}

    async with (
        Proxy.to(database_url) as proxy,
        router(settings, LEADSCORE_PORT=str(port), DATABASE_URL=proxy.url) as process,
    ):
        await until(ready, "the router is ready")
        await proxy.cut()
        await until(unready, "only Postgres is away")
        alive = await get(f"http://127.0.0.1:{port}/livez")
        assert alive is not None
        assert alive.status_code == 200
        await put(database_url, [fact(new_lead(), 1)])
        await proxy.mend()
        await emptied(database_url)
        await until(ready, "the router is ready again")
        assert process.returncode is None


async def test_while_kafka_is_away_it_lives_waits_and_stops_when_told(settings: Settings) -> None:
    """Not ready, but alive; SIGTERM ends it with code 0."""
    port = free_port()
    away = settings.model_copy(update={"kafka_bootstrap_servers": f"127.0.0.1:{free_port()}"})
    async with router(away, LEADSCORE_PORT=str(port)) as process:

        async def unready() -> bool:
            answer = await get(f"http://127.0.0.1:{port}/readyz")
            return answer is not None and set(answer.json()["away"]) == {"kafka"}

        await until(unready, "only Kafka is away")
        alive = await get(f"http://127.0.0.1:{port}/livez")
        assert alive is not None
        assert alive.status_code == 200
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 90) == 0


async def test_destinations_are_added_tested_listed_and_removed_by_command(
    settings: Settings,
) -> None:
    """The secret is printed once; a private address needs the flag; the test message arrives."""

    async def leadscore(*arguments: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from services.router.commands import app; app()",
            *arguments,
            cwd=ROOT,
            env=environment(settings),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await process.communicate()
        return process.returncode, out.decode()

    async with receiver() as to:
        code, said = await leadscore("add", "crm", to.url)
        assert code == 1
        assert "https" in said
        code, said = await leadscore("add", "crm", to.url, "--allow-private")
        assert code == 0
        assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", said)
        to.secret = said.strip()
        assert (await leadscore("test", "crm")) == (0, "HTTP 204\n")
        assert to.faults == []
        code, said = await leadscore("list")
        assert code == 0
        assert to.url in said
        assert to.secret not in said
    assert (await leadscore("remove", "crm"))[0] == 0
    assert (await leadscore("remove", "crm"))[0] == 1

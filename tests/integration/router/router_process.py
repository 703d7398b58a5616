"""The router, in this process or in one of its own, to be started, stopped and killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from services.router.main import serve
from shared.settings import Settings
from tests.integration.router.outbox_rows import unpublished, until

ROOT = Path(__file__).parents[3]


def environment(settings: Settings, **over: str) -> dict[str, str]:
    """The environment that gives a process these settings."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("LEADSCORE_")},
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "LEADSCORE_TOPIC_PREFIX": settings.topic_prefix,
        "LEADSCORE_HASH_KEY": settings.hash_key.get_secret_value(),
        "LEADSCORE_ROUTER_LEASE_SECONDS": "1",
        "LEADSCORE_ROUTER_SHARDS": str(settings.router_shards),
        "LEADSCORE_ROUTER_CHUNK_MAX": str(settings.router_chunk_max),
        **over,
    }


@contextlib.asynccontextmanager
async def router(settings: Settings, **over: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A running router; terminated, then killed, at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.router",
        cwd=ROOT,
        env=environment(settings, **over),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), 30)
            except TimeoutError:
                process.kill()
                await process.wait()


@contextlib.asynccontextmanager
async def running(settings: Settings, **over: Any) -> AsyncIterator[None]:
    """A router in this process; it must end well."""
    stopping = asyncio.Event()
    quick = settings.model_copy(update={"router_lease_seconds": 1.0, **over})
    serving = asyncio.create_task(serve(quick, stopping))
    try:
        yield
    finally:
        stopping.set()
        assert await serving == 0


async def emptied(database_url: str, left: int = 0) -> None:
    async def done() -> bool:
        return await unpublished(database_url) == left

    await until(done, f"{left} facts are left in the outbox")

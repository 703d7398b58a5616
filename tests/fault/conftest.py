"""A stack of its own for a test that looks at its files: its retention is quick."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import NewTopic

from deploy.local import jars, kafka, ports, postgres
from deploy.local.process import Child, Watchdog
from deploy.local.servers import wait_until
from shared.bus import admin_client
from shared.database import create_engine, migrate
from shared.outbound import destinations
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.fault.planted import BROKER, PARTITIONS, RULES, TOPIC, Plant
from tests.integration.router.receiver import receiver
from tests.processes import service


@pytest.fixture
def servers() -> Iterator[tuple[Path, str, str]]:
    """A broker whose retention is quick, and a database: (folder, broker, database's address)."""
    folder = Path(tempfile.mkdtemp(prefix="leadscore-canary-"))
    folder.chmod(0o711)
    taken: set[int] = set()
    broker_port, controller_port, database_port = (ports.choose(taken=taken) for _ in range(3))
    watchdog = Watchdog()
    log = folder / "logs"
    database = postgres.prepare(folder / "postgres", log / "postgres.log", database_port, "secret")
    broker = kafka.prepare(
        folder / "kafka", log / "kafka.log", broker_port, controller_port, jars.fetch(), quick=True
    )
    with (folder / "kafka" / "server.properties").open("a") as properties:
        properties.write(BROKER)
    children = [Child(broker, watchdog), Child(database, watchdog)]
    try:
        admin = postgres.database_url(database_port, "secret", "postgres")
        wait_until(lambda: postgres.answers(admin), children[1], "Postgres")
        wait_until(lambda: ports.answers(broker_port), children[0], "Kafka")
        yield folder, f"{ports.HOST}:{broker_port}", admin
    finally:
        for child in children:
            child.stop()
        watchdog.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def plant(servers: tuple[Path, str, str]) -> AsyncIterator[Plant]:
    """Everything running: ingest, scorer, router, and a receiver of webhooks."""
    folder, broker, database_url = servers
    settings = Settings.model_validate({
        "kafka_bootstrap_servers": broker, "database_url": database_url,
        "event_partitions": PARTITIONS, "hash_key": "a key for tests only, 32 bytes..",
        "write_keys": "web:test-write-key", "secret_keys": "server:test-secret-key",
        "api_token": "test-api-token",
    })  # fmt: skip
    await asyncio.to_thread(migrate, database_url)
    async with admin_client(settings) as admin:
        await admin.create_topics([
            NewTopic(topic.name, topic.partitions, 1, topic_configs=TOPIC)
            for topic in settings.topics.table(PARTITIONS)
        ])  # fmt: skip
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, RULES)
    await engine.dispose()
    async with AsyncExitStack() as stack:
        hooks = await stack.enter_async_context(receiver())
        async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
            await destinations.add(pool, "crm", hooks.url, allow_private=True)
        running = {
            name: stack.enter_context(service(name, settings))
            for name in ("ingest", "scorer", "router")
        }
        for one in running.values():
            await asyncio.to_thread(one.wait_ready)
        ingest = f"http://127.0.0.1:{running['ingest'].port}"
        yield Plant(folder, settings, ingest, running, hooks)

"""A real Kafka and a real Postgres for the tests that ask for them: one stack a run."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from shared.bus import admin_client, ensure_topics
from shared.database import migrate
from shared.settings import Settings
from shared.topics import Topics

TEMPLATE = "leadscore_template"
# Few partitions: a test makes its own topics, and each partition costs the broker files.
EVENT_PARTITIONS = 4


@dataclass(frozen=True)
class Stack:
    """Where the servers are. `admin_database_url` names a database that no test uses."""

    kafka_bootstrap_servers: str
    admin_database_url: str

    def database_url(self, name: str) -> str:
        return f"{self.admin_database_url.rpartition('/')[0]}/{name}"


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Kafka and Postgres on free ports, fsync on; shared by the workers of a pytest-xdist run."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"leadscore-test-{run[:12]}"
    folder.mkdir(mode=0o711, exist_ok=True)
    mine = folder / f"user-{os.getpid()}"
    with _locked(folder):
        mine.touch()
        known = folder / "stack.json"
        servers = None
        if not known.exists():
            from deploy.local.process import Watchdog
            from deploy.local.servers import start_servers

            watchdog = Watchdog()
            servers = start_servers(folder, watchdog, quick=True)
            _run(servers.admin_database_url, f"CREATE DATABASE {TEMPLATE}")
            migrate(servers.database_url(TEMPLATE))
            known.write_text(
                json.dumps([servers.kafka_bootstrap_servers, servers.admin_database_url])
            )
        stack = Stack(*json.loads(known.read_text()))
    yield stack
    mine.unlink()
    if servers is not None:
        while _others_at_work(folder):
            time.sleep(0.05)
        servers.stop()
        watchdog.close()
        shutil.rmtree(folder, ignore_errors=True)


def _others_at_work(folder: Path) -> bool:
    with _locked(folder):
        return any(
            Path(f"/proc/{user.name.partition('-')[2]}").exists() for user in folder.glob("user-*")
        )


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(url: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.fixture
def database_url(stack: Stack) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _run(stack.admin_database_url, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield stack.database_url(name)
    _run(stack.admin_database_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def topics(stack: Stack) -> Iterator[Topics]:
    """The topics of the test's own: created under a fresh prefix."""
    settings = _settings(stack, stack.admin_database_url, f"t{uuid.uuid4().hex[:8]}-")
    asyncio.run(ensure_topics(settings))
    yield settings.topics
    asyncio.run(_delete_topics(settings))


async def _delete_topics(settings: Settings) -> None:
    async with admin_client(settings) as admin:
        await admin.delete_topics([topic.name for topic in settings.topics.table()])


@pytest.fixture
def settings(stack: Stack, database_url: str, topics: Topics) -> Settings:
    """The settings of a process over the test's own database and topics."""
    return _settings(stack, database_url, topics.prefix)


def _settings(stack: Stack, database_url: str, prefix: str) -> Settings:
    return Settings.model_validate(
        {
            "kafka_bootstrap_servers": stack.kafka_bootstrap_servers,
            "database_url": database_url,
            "topic_prefix": prefix,
            "event_partitions": EVENT_PARTITIONS,
            "consumer_group": f"{prefix}scorer",
            "hash_key": "a key for tests only, 32 bytes..",
            "write_keys": "web:test-write-key",
            "secret_keys": "server:test-secret-key",
            "api_token": "test-api-token",
            "log_format": "console",
        }
    )

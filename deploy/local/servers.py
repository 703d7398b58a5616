"""Kafka and Postgres together: prepared and started side by side, then waited for."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import jars, kafka, ports, postgres
from deploy.local.process import Child, ChildEndedError, Program, Watchdog

READY_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class ServerPorts:
    """Where the two listen; 0 where one is not ours to start."""

    kafka: int
    controller: int
    postgres: int


@dataclass(slots=True)
class Servers:
    """The running servers. `children` in the order in which they are to be stopped."""

    ports: ServerPorts
    password: str
    children: list[Child] = field(default_factory=list)

    @property
    def kafka_bootstrap_servers(self) -> str:
        return f"{ports.HOST}:{self.ports.kafka}"

    def database_url(self, name: str = postgres.DATABASE) -> str:
        return postgres.database_url(self.ports.postgres, self.password, name)

    @property
    def admin_database_url(self) -> str:
        """A database to give orders from: not one that is cloned or dropped."""
        return self.database_url("postgres")

    def stop(self) -> None:
        for child in self.children:
            child.stop()


def prepare_kafka(folder: Path, logs: Path, where: ServerPorts, *, quick: bool = False) -> Program:
    """Fetch the jars, format the storage; what to run."""
    return kafka.prepare(
        folder / "kafka",
        logs / "kafka.log",
        where.kafka,
        where.controller,
        jars.fetch(),
        quick=quick,
    )


def wait_until(
    ready: Callable[[], bool], child: Child, what: str, seconds: float = READY_SECONDS
) -> None:
    """Raises ChildEndedError, or TimeoutError with the end of its log."""
    until = time.monotonic() + seconds
    while not ready():
        code = child.poll()
        if code is not None:
            raise ChildEndedError(child, code)
        if time.monotonic() > until:
            raise TimeoutError(f"{what} is not ready after {seconds:.0f} s:\n{child.last_words()}")
        time.sleep(0.05)


def start_servers(
    folder: Path, watchdog: Watchdog, logs: Path | None = None, *, quick: bool = False
) -> Servers:
    """A fresh Kafka and Postgres under `folder` on free ports, ready to use. For tests.

    quick: a broker that is sooner ready and slower later.
    """
    taken: set[int] = set()
    where = ServerPorts(*(ports.choose(taken=taken) for _ in range(3)))
    servers = Servers(where, secrets.token_urlsafe(16))
    logs = logs or folder / "logs"
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(prepare_kafka, folder, logs, where, quick=quick)
        database = postgres.prepare(
            folder / "postgres", logs / "postgres.log", where.postgres, servers.password
        )
        server = Child(database, watchdog)
        broker = Child(coming.result(), watchdog)
    servers.children = [broker, server]
    wait_until(lambda: postgres.answers(servers.admin_database_url), server, "Postgres")
    wait_until(lambda: ports.answers(where.kafka), broker, "Kafka")
    return servers

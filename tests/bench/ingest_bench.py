"""Ingest requests/s (durable acknowledgement, all checks on) against a naive app and a bare server.

One uvicorn process each, under the same load from a process of its own, in turns within a round.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.admin import NewTopic

from deploy.local import ports
from deploy.local.process import Child
from deploy.local.servers import wait_until
from deploy.local.services import away
from shared.bus import admin_client, create_consumer, ensure_topics
from shared.settings import Settings
from tests.bench.load import Loaded
from tests.bench.stack import BenchStack

CONNECTIONS = 64
MODULES = {
    "ingest": ("services.cli", "serve", "ingest"),
    "naive": ("tests.bench.naive_app",),
    "bare": ("tests.bench.bare_app",),
}


@dataclass(frozen=True)
class Server:
    """A server under load. `topic`: where its records go, or None."""

    name: str
    child: Child
    port: int
    topic: str | None


@dataclass(frozen=True)
class Round:
    """What one round measured, by server."""

    loaded: dict[str, Loaded]

    def rate(self, name: str) -> float:
        """Requests a second."""
        return self.loaded[name].requests / self.loaded[name].seconds

    def cpu_us(self, name: str) -> float:
        """Microseconds of the server's CPU time a request; Kafka's own are not in it."""
        return self.loaded[name].server_cpu_seconds / self.loaded[name].requests * 1e6

    def ratio(self, rival: str) -> float:
        return self.rate("ingest") / self.rate(rival)

    def cpu_ratio(self, rival: str) -> float:
        """How many times the CPU time of ingest the rival needs."""
        return self.cpu_us(rival) / self.cpu_us("ingest")


def measure(stack: BenchStack, rounds: int, seconds: float) -> Iterator[Round]:
    """Run the rounds. Raises RuntimeError when a server refused a request, or when an answer of 200
    has no record on its topic.
    """
    settings = stack.fresh_settings()
    asyncio.run(_make_topics(settings))
    with ExitStack() as running:
        servers = [running.enter_context(_served(stack, settings, name)) for name in MODULES]
        kept = dict.fromkeys(MODULES, 0)
        for number in range(rounds + 1):
            turn = servers[number % 3 :] + servers[: number % 3]
            warming = number == 0  # the broker, above all: Java compiles as it goes
            measured = Round({one.name: _load(one, 2.0 if warming else seconds) for one in turn})
            for name, loaded in measured.loaded.items():
                kept[name] += loaded.kept
            if not warming:
                yield measured
        for server in servers:
            if server.topic and asyncio.run(_records(settings, server.topic)) != kept[server.name]:
                raise RuntimeError(f"{server.name}: records and answers of 200 don't agree")


def _load(server: Server, seconds: float) -> Loaded:
    command = [sys.executable, "-m", "tests.bench.load", str(server.port), str(server.child.pid)]
    command += ["--connections", str(CONNECTIONS), "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode:
        raise RuntimeError(f"{server.name}: {done.stderr[-800:]}\n{server.child.last_words()}")
    loaded = Loaded(**json.loads(done.stdout))
    if loaded.others:
        raise RuntimeError(f"{server.name} refused requests: {loaded.others}")
    return loaded


@contextmanager
def _served(stack: BenchStack, settings: Settings, name: str) -> Iterator[Server]:
    """A server, ready."""
    port = ports.choose(taken=set())
    environment = stack.environment(settings) | {"LEADSCORE_PORT": str(port)}
    child = stack.start(name, ("-m", *MODULES[name]), environment)
    try:
        if name == "ingest":
            wait_until(lambda: not away(f"http://{ports.HOST}:{port}"), child, name)
        else:
            wait_until(lambda: ports.answers(port), child, name)
        yield Server(name, child, port, _topic(settings, name))
    finally:
        child.stop()


def _topic(settings: Settings, name: str) -> str | None:
    own = {"ingest": settings.topics.lead_events, "naive": f"{settings.topic_prefix}naive"}
    return own.get(name)


async def _make_topics(settings: Settings) -> None:
    """Ours, and one like lead-events for the naive app."""
    await ensure_topics(settings)
    async with admin_client(settings) as admin:
        naive = NewTopic(f"{settings.topic_prefix}naive", settings.event_partitions, 1)
        await admin.create_topics([naive])


async def _records(settings: Settings, topic: str) -> int:
    """How many records a topic holds; nothing was removed from it."""
    consumer = create_consumer(settings)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, at) for at in range(settings.event_partitions)]
        return sum((await consumer.end_offsets(partitions)).values())
    finally:
        await consumer.stop()

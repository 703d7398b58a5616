"""Scorer processes that take in events by the clock, over a real Kafka and Postgres."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import asyncpg
import httpx
from prometheus_client.parser import text_string_to_metric_families

from deploy.local import ports
from deploy.local.process import Child
from shared.bus import create_producer, ensure_topics
from shared.database import create_engine, dsn
from shared.envelope import Event, encode_event
from shared.ids import partition_key
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.bench.stack import BenchStack, cpu_seconds

DEADLINE_SECONDS = 300.0
TAKEN_IN = "SELECT coalesce(sum(next_offset), 0)::bigint FROM consumer_partition"


@dataclass(frozen=True)
class Rate:
    """Events taken in, in so many seconds of wall time; CPU time of the Python side and of
    Postgres in it.
    """

    events: int
    seconds: float
    python_cpu_seconds: float
    postgres_cpu_seconds: float

    def with_(self, other: Rate) -> Rate:
        """Both runs as one."""
        return Rate(
            self.events + other.events,
            self.seconds + other.seconds,
            self.python_cpu_seconds + other.python_cpu_seconds,
            self.postgres_cpu_seconds + other.postgres_cpu_seconds,
        )

    @property
    def per_second(self) -> float:
        return self.events / self.seconds

    @property
    def python_us(self) -> float:
        """Microseconds of CPU time an event."""
        return self.python_cpu_seconds / self.events * 1e6

    @property
    def postgres_us(self) -> float:
        return self.postgres_cpu_seconds / self.events * 1e6


class Scorers:
    """Processes that share the partitions out. Taken from `running_scorers`."""

    def __init__(
        self, stack: BenchStack, settings: Settings, where: Sequence[int], children: list[Child]
    ) -> None:
        self._stack = stack
        self._settings = settings
        self._where = where
        self._children = children

    async def take_in(self, events: Sequence[Event], seconds: float = DEADLINE_SECONDS) -> Rate:
        """From the moment that all set off at once to the last commit.

        They are stopped while the events are put on the topic. Raises RuntimeError when one of
        them ends, or the events aren't all taken in after so many seconds.
        """
        async with asyncpg.create_pool(dsn(self._settings), min_size=1, max_size=1) as connection:
            done = await connection.fetchval(TAKEN_IN)
            expected = done + len(events)
            for child in self._children:
                os.kill(child.pid, signal.SIGSTOP)
            try:
                await produce(self._settings, events)
            finally:
                for child in self._children:
                    os.kill(child.pid, signal.SIGCONT)
            marks = [(time.monotonic(), int(done), *self._cpu_seconds())]
            until = time.monotonic() + seconds
            while done < expected:
                if time.monotonic() > until:
                    raise RuntimeError(f"only {done} of {expected} records were taken in")
                for child in self._children:
                    if child.poll() is not None:
                        said = child.last_words()
                        raise RuntimeError(f"a scorer ended before its work:\n{said}")
                await asyncio.sleep(0.05)
                done = await connection.fetchval(TAKEN_IN)
                if marks[-1][1] != done:
                    marks.append((time.monotonic(), int(done), *self._cpu_seconds()))
        (start, first, own, database), (end, last, own_end, database_end) = marks[0], marks[-1]
        return Rate(last - first, end - start, own_end - own, database_end - database)

    async def counted(self, metric: str) -> Counter[str]:
        """A counter with one label, by that label: of all of them together, until now."""
        found: Counter[str] = Counter()
        async with httpx.AsyncClient(trust_env=False) as client:
            for port in self._where:
                answer = await client.get(f"http://127.0.0.1:{port}/metrics")
                for family in text_string_to_metric_families(answer.text):
                    for sample in family.samples:
                        if sample.name == f"{metric}_total":
                            found[next(iter(sample.labels.values()))] += int(sample.value)
        return found

    def _cpu_seconds(self) -> tuple[float, float]:
        """Of the scorers, and of Postgres."""
        own = sum(cpu_seconds(child.pid) for child in self._children)
        return own, self._stack.postgres_cpu_seconds()


@contextlib.asynccontextmanager
async def running_scorers(
    stack: BenchStack, settings: Settings, count: int
) -> AsyncIterator[Scorers]:
    """So many scorers that have shared out the topic; that takes the group seconds."""
    where = [ports.choose(taken=set()) for _ in range(count)]
    children = [
        stack.start(
            f"scorer-{number}",
            ("-m", "services.scorer"),
            stack.environment(settings)
            | {"LEADSCORE_INSTANCE": f"bench-{number}", "LEADSCORE_PORT": str(port)},
        )
        for number, port in enumerate(where)
    ]
    try:
        await _shared_out(where, settings.event_partitions // count)
        yield Scorers(stack, settings, where, children)
    finally:
        for child in children:
            child.stop()


async def prepared(stack: BenchStack, settings: Settings) -> None:
    """Topics and a live ruleset, as the first start makes them."""
    await ensure_topics(settings)
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, stack.default_ruleset(), "bench")
    await engine.dispose()


@contextlib.asynccontextmanager
async def asyncpg_connection(
    settings: Settings,
) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(dsn(settings))
    try:
        yield connection
    finally:
        await connection.close()


async def produce(settings: Settings, events: Sequence[Event]) -> None:
    """Put the events on the topic, before anything is timed."""
    producer = create_producer(settings)
    await producer.start()
    key = settings.hash_key.get_secret_value().encode()
    topic = settings.topics.lead_events
    waiting = [
        await producer.send(topic, encode_event(event), key=partition_key(key, event.identifiers))
        for event in events
    ]
    await asyncio.gather(*waiting)
    await producer.stop()


async def _shared_out(where: Sequence[int], each: int) -> None:
    """Wait until every scorer owns its share of the partitions."""
    line = f"leadscore_scorer_partitions {float(each)}"
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
        for port in where:
            while True:
                try:
                    answer = await client.get(f"http://127.0.0.1:{port}/metrics")
                except httpx.TransportError:
                    answer = None
                if answer is not None and line in answer.text.splitlines():
                    break
                await asyncio.sleep(0.1)

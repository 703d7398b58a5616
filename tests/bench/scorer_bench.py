"""Scorer events/s, the whole product path by two processes, against a bare set-based insert of the
same events by two connections. Real Kafka, real Postgres, durable commits.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx

from deploy.local import ports
from shared.bus import create_producer, ensure_topics
from shared.database import create_engine
from shared.envelope import Event, encode_event, milliseconds
from shared.ids import dedupe_key, new_lead_id, partition_key, strongest_identifier
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.bench.events import event_stream
from tests.bench.stack import BenchStack, cpu_seconds

EVENTS = 300_000
LEADS = 20_000
BARE_BATCH = 2_000
DEADLINE_SECONDS = 300.0

BARE_TABLE = """
CREATE TABLE bare_event (
    key uuid PRIMARY KEY, lead_id uuid NOT NULL, occurred_ms bigint NOT NULL, body bytea NOT NULL)
"""
BARE_INDEX = "CREATE INDEX ON bare_event (lead_id, occurred_ms)"
BARE_INSERT = """
INSERT INTO bare_event SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[])
ON CONFLICT DO NOTHING
"""


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


@dataclass(frozen=True)
class Round:
    """The two rivals, one after the other, over the same events."""

    scorer: Rate
    bare: Rate

    @property
    def ratio(self) -> float:
        return self.scorer.per_second / self.bare.per_second


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


async def run_scorers(
    stack: BenchStack, settings: Settings, events: Sequence[Event], count: int
) -> Rate:
    """From the moment that all scorers set off at once to the last commit.

    They share out the empty topic first (that takes the group seconds), are stopped while the
    events are put on it, and then all go on at the same time.
    """
    expected = len(events)
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
        for child in children:
            os.kill(child.pid, signal.SIGSTOP)
        try:
            await produce(settings, events)
        finally:
            for child in children:
                os.kill(child.pid, signal.SIGCONT)
    except BaseException:
        for child in children:
            child.stop()
        raise
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    own = sum(cpu_seconds(child.pid) for child in children)
    marks = [(time.monotonic(), 0, own, stack.postgres_cpu_seconds())]
    until = time.monotonic() + DEADLINE_SECONDS
    try:
        while time.monotonic() < until:
            done = await connection.fetchval(
                "SELECT coalesce(sum(next_offset), 0)::bigint FROM consumer_partition"
            )
            if marks[-1][1] != done:
                own = sum(cpu_seconds(child.pid) for child in children)
                marks.append((time.monotonic(), int(done), own, stack.postgres_cpu_seconds()))
            if done >= expected:
                break
            for child in children:
                if child.poll() is not None:
                    raise RuntimeError(f"a scorer ended before its work:\n{child.last_words()}")
            await asyncio.sleep(0.05)
        else:
            raise RuntimeError(f"only {marks[-1:]} of {expected} records were taken in")
    finally:
        await connection.close()
        for child in children:
            child.stop()
    (start, first, own, database), (end, last, own_end, database_end) = marks[0], marks[-1]
    return Rate(last - first, end - start, own_end - own, database_end - database)


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


async def run_bare(
    stack: BenchStack, settings: Settings, events: Sequence[Event], count: int
) -> Rate:
    """The same events by plain inserts: no Kafka, no identity, no rules, no ledger."""
    dsn = settings.database_url.get_secret_value()
    connections = [await asyncpg.connect(dsn) for _ in range(count)]
    await connections[0].execute("DROP TABLE IF EXISTS bare_event")
    await connections[0].execute(BARE_TABLE)
    await connections[0].execute(BARE_INDEX)
    hash_key = settings.hash_key.get_secret_value().encode()
    people = {strongest_identifier(event.identifiers) for event in events}
    leads = {who: new_lead_id(index) for index, who in enumerate(people)}
    rows = [
        (
            dedupe_key(hash_key, event.source, event.id),
            leads[strongest_identifier(event.identifiers)],
            milliseconds(event.occurred_at),
            encode_event(event),
        )
        for event in events
    ]
    batches = [rows[at : at + BARE_BATCH] for at in range(0, len(rows), BARE_BATCH)]
    columns = [[list(column) for column in zip(*batch, strict=True)] for batch in batches]

    async def work(connection: asyncpg.Connection, share: list[list[list[Any]]]) -> None:
        for batch in share:
            await connection.execute(BARE_INSERT, *batch)

    began, own, database = time.perf_counter(), time.process_time(), stack.postgres_cpu_seconds()
    await asyncio.gather(*(work(each, columns[at::count]) for at, each in enumerate(connections)))
    seconds, own = time.perf_counter() - began, time.process_time() - own
    database = stack.postgres_cpu_seconds() - database
    for connection in connections:
        await connection.close()
    return Rate(len(rows), seconds, own, database)


async def one_round(stack: BenchStack, settings: Settings, events: Sequence[Event]) -> Round:
    await ensure_topics(settings)
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, stack.default_ruleset(), "bench")
    await engine.dispose()
    # The machine's pace drifts within seconds, so the bare insert runs before and after.
    before = await run_bare(stack, settings, events, 2)
    scorer = await run_scorers(stack, settings, events, 2)
    after = await run_bare(stack, settings, events, 2)
    return Round(scorer, before.with_(after))


def measure(stack: BenchStack, rounds: int, count: int = EVENTS) -> Iterator[Round]:
    """Run the rounds, each in a fresh database, over about `count` events of 20,000 people."""
    events = list(event_stream(count, LEADS))
    for _ in range(rounds):
        yield asyncio.run(one_round(stack, stack.fresh_settings(), events))

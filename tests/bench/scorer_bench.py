"""Scorer events/s, the whole product path by two processes, against a bare set-based insert of the
same events by two connections. Real Kafka, real Postgres, durable commits, in one run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from shared.bus import create_producer, ensure_topics
from shared.database import create_engine
from shared.envelope import Event, encode_event, milliseconds
from shared.ids import dedupe_key, new_lead_id, partition_key
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.bench.events import event_stream
from tests.bench.stack import BenchStack

EVENTS = 120_000
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
class Figures:
    """Events a second of one round."""

    scorer: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.scorer / self.bare


async def produce(settings: Settings, events: Sequence[Event]) -> None:
    """Put the events on the topic, before anything is timed."""
    producer = create_producer(settings)
    await producer.start()
    key = settings.hash_key.get_secret_value().encode()
    waiting = []
    for event in events:
        waiting.append(
            await producer.send(
                settings.topics.lead_events,
                encode_event(event),
                key=partition_key(key, event.identifiers),
            )
        )
    await asyncio.gather(*waiting)
    await producer.stop()


async def run_scorers(stack: BenchStack, settings: Settings, expected: int, count: int) -> float:
    """Seconds from the first batch's commit to the last, with the events in between."""
    environment = os.environ | stack.environment(settings)
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "services.scorer"],
            env=environment | {"LEADSCORE_INSTANCE": f"bench-{number}"},
            stderr=subprocess.DEVNULL,
        )
        for number in range(count)
    ]
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    marks: list[tuple[float, int]] = []
    until = time.monotonic() + DEADLINE_SECONDS
    try:
        while time.monotonic() < until:
            done = await connection.fetchval(
                "SELECT coalesce(sum(next_offset), 0)::bigint FROM consumer_partition"
            )
            if done and (not marks or marks[-1][1] != done):
                marks.append((time.monotonic(), int(done)))
            if done >= expected:
                break
            if any(child.poll() is not None for child in children):
                raise RuntimeError("a scorer ended before its work")
            await asyncio.sleep(0.05)
        else:
            raise RuntimeError(f"only {marks[-1:]} of {expected} records were taken in")
    finally:
        await connection.close()
        for child in children:
            child.terminate()
        for child in children:
            child.wait(30)
    (start, first), (end, last) = marks[0], marks[-1]
    return (last - first) / (end - start)


async def run_bare(settings: Settings, events: Sequence[Event], count: int) -> float:
    """The same events by plain inserts: no Kafka, no identity, no rules, no ledger."""
    dsn = settings.database_url.get_secret_value()
    connections = [await asyncpg.connect(dsn) for _ in range(count)]
    await connections[0].execute(BARE_TABLE)
    await connections[0].execute(BARE_INDEX)
    leads = [new_lead_id(index) for index in range(LEADS)]
    rows = [
        (
            dedupe_key(event.source, event.id),
            leads[int((event.identifiers.anonymous_id or "0")[-8:], 16) % LEADS],
            milliseconds(event.occurred_at),
            encode_event(event),
        )
        for event in events
    ]
    batches = [rows[at : at + BARE_BATCH] for at in range(0, len(rows), BARE_BATCH)]
    columns = [[list(column) for column in zip(*batch, strict=True)] for batch in batches]

    async def work(connection: asyncpg.Connection, share: list[list[object]]) -> None:
        for batch in share:
            await connection.execute(BARE_INSERT, *batch)

    started = time.perf_counter()
    await asyncio.gather(*(work(each, columns[at::count]) for at, each in enumerate(connections)))
    seconds = time.perf_counter() - started
    for connection in connections:
        await connection.close()
    return len(rows) / seconds


async def one_round(stack: BenchStack, settings: Settings, events: Sequence[Event]) -> Figures:
    await ensure_topics(settings)
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, stack.default_ruleset(), "bench")
    await engine.dispose()
    await produce(settings, events)
    scorer = await run_scorers(stack, settings, len(events), 2)
    bare = await run_bare(settings, events, 2)
    return Figures(scorer, bare)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    events = list(event_stream(options.events, LEADS))
    with BenchStack() as stack:
        rounds = []
        for number in range(options.rounds):
            figures = asyncio.run(one_round(stack, stack.fresh_settings(), events))
            rounds.append(figures)
            print(
                f"round {number + 1}: scorer {figures.scorer:8,.0f} events/s · bare insert "
                f"{figures.bare:8,.0f} events/s · ratio {figures.ratio:.2f}",
                flush=True,
            )
    middle = statistics.median(one.ratio for one in rounds)
    print(f"scorer (two processes) against a bare insert (two connections): {middle:.2f} ×")


if __name__ == "__main__":
    main()

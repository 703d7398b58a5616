"""Scorer events/s, the whole product path by two processes, against a bare set-based insert of the
same events by two connections. Real Kafka, real Postgres, durable commits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from shared.envelope import Event, encode_event, milliseconds
from shared.ids import dedupe_key, new_lead_id, strongest_identifier
from shared.settings import Settings
from tests.bench.events import event_stream
from tests.bench.scorers import Rate, prepared, running_scorers
from tests.bench.stack import BenchStack

EVENTS = 300_000
LEADS = 20_000
BARE_BATCH = 2_000

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
class Round:
    """The two rivals, one after the other, over the same events."""

    scorer: Rate
    bare: Rate

    @property
    def ratio(self) -> float:
        return self.scorer.per_second / self.bare.per_second


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
    await prepared(stack, settings)
    # The machine's pace drifts within seconds, so the bare insert runs before and after.
    before = await run_bare(stack, settings, events, 2)
    async with running_scorers(stack, settings, 2) as scorers:
        scorer = await scorers.take_in(events)
    after = await run_bare(stack, settings, events, 2)
    return Round(scorer, before.with_(after))


def measure(stack: BenchStack, rounds: int, count: int = EVENTS) -> Iterator[Round]:
    """Run the rounds, each in a fresh database, over about `count` events of 20,000 people."""
    events = list(event_stream(count, LEADS))
    for _ in range(rounds):
        yield asyncio.run(one_round(stack, stack.fresh_settings(), events))

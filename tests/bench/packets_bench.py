"""How many hand-off packets a router makes a second: reading what is stored, building, encoding."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from services.router.build import Builder
from services.router.history import History
from services.router.outbox import Row
from services.router.percentiles import Percentiles
from services.router.ruleset_words import Rulesets
from shared.database import dsn
from shared.envelope import milliseconds
from tests.bench.flat_bench import Partition, history, prepare
from tests.bench.stack import BenchStack

LEADS = 400
EVENTS_EACH = (20, 250)  # of a lead: few, and more than a packet looks at
EVENTS_A_BATCH = 4000
LEADS_MOVED = "SELECT id::text AS id, ruleset_version, scores FROM lead ORDER BY id LIMIT $1"


@dataclass(frozen=True, slots=True)
class Made:
    """Packets of leads with so many events each. kb: mean size."""

    events: int
    packets: int
    seconds: float
    kb: float

    @property
    def per_second(self) -> float:
        return self.packets / self.seconds


async def measure(settings: Any, stack: BenchStack, each: int, leads: int, rounds: int) -> Made:
    """Score the events with the default ruleset, then hand every lead over."""
    rules = await prepare(stack, settings)
    connection = await asyncpg.connect(dsn(settings))
    await connection.execute(
        "INSERT INTO consumer_partition (topic, partition, cluster_id, next_offset, epoch)"
        " VALUES ('flat', 0, 'c', 0, 1)"
    )
    partition = Partition(connection, rules)
    until = datetime.now(UTC) - timedelta(minutes=1)
    events = history("packet", leads, each, until)
    for at in range(0, len(events), EVENTS_A_BATCH):
        await partition.take(events[at : at + EVENTS_A_BATCH])
    await connection.execute("VACUUM ANALYZE")
    known = await connection.fetch(LEADS_MOVED, leads)
    await connection.close()
    at_ms = milliseconds(datetime.now(UTC))
    rows = [_row(number, row["id"], at_ms) for number, row in enumerate(known, 1)]
    async with asyncpg.create_pool(dsn(settings), min_size=1, max_size=2) as pool:
        builder = _builder(pool)
        await builder.build(rows[:5])  # reads the ruleset
        seconds, sizes = [], []
        for _ in range(rounds):
            started = time.perf_counter()
            built = await builder.build(rows)
            seconds.append(time.perf_counter() - started)
            sizes = [len(one.data) for one in built.messages if one.kind == "handoff-sales"]
            if len(sizes) != len(rows):
                raise RuntimeError(f"{len(rows) - len(sizes)} hand-offs have no packet")
    return Made(each, len(rows), statistics.median(seconds), statistics.mean(sizes) / 1000)


def _builder(pool: Any) -> Builder:
    percentiles = Percentiles(pool, lambda: time.time_ns() // 1_000_000)
    return Builder(pool, History(pool), Rulesets(pool), "https://leads.example", percentiles)


def _row(number: int, lead_id: str, at_ms: int) -> Row:
    fact = {
        "kind": "stage_changed", "lead_id": lead_id, "seq": 1000, "at_ms": at_ms,
        "journey": "main", "from_stage": "involve", "to_stage": "validate", "cause": "event",
        "episode": 1, "ruleset_version": 1, "known": True, "handoff": "sales",
        "scores": {"engagement": 61.0, "fit": 20.0},
    }  # fmt: skip
    return Row(number, lead_id, json.dumps(fact), datetime.now(UTC))


def run(stack: BenchStack, leads: int, rounds: int) -> list[Made]:
    """Each on a fresh database."""
    return [
        asyncio.run(measure(stack.fresh_settings(), stack, each, leads, rounds))
        for each in EVENTS_EACH
    ]


def told(made: Made) -> str:
    """One line of what was measured."""
    return (
        f"hand-off packets of leads with {made.events} events: {made.per_second:,.0f} a second by "
        f"one process, {made.kb:.1f} kB each"
    )


def main() -> None:
    with BenchStack() as stack:
        for made in run(stack, LEADS, 3):
            print(told(made))


if __name__ == "__main__":
    main()

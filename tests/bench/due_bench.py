"""Many leads due at once: how fast they are seen to, and what other leads' batches wait."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from services.scorer.batch import BatchClaim, take_in
from services.scorer.clockwork import Clockwork
from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compiled import Ruleset
from services.scorer.patience import Patience
from services.scorer.scene import Scene
from shared.database import dsn
from shared.envelope import Event, Identifiers, milliseconds
from shared.ids import new_lead_id
from shared.ruleset.reading import read_ruleset
from tests.arrivals import arrivals_of
from tests.bench.stack import BenchStack

START = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
QUIET = timedelta(days=30)
TOPIC = "due"
LEADS = 100_000
EVENTS_A_BATCH = 500
LEADS_A_BATCH = 5000
RULES = """
models:
  engagement:
    decay: {half_life: 60d}
    rules:
      - {id: download, on: content_downloaded, points: 20}
      - {id: gone-quiet, after: {quiet: 30d}, points: -15}
stages:
  ladder:
    - {name: inform}
    - {name: educate, enter: {engagement: 15}, leave: {engagement: 8}, handoff: content}
"""


def compiled() -> Ruleset:
    """Each lead is educated, and falls when it was silent for 30 days."""
    document = read_ruleset(RULES)
    names = [f"{model}/{rule.id}" for model, it in document.models.items() for rule in it.rules]
    return compile_ruleset(document, {name: at for at, name in enumerate(names, 1)}, 1)


@dataclass(slots=True)
class Meanwhile:
    """Batches of other leads. alone, beside: seconds that each took, before and with timers."""

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Seen:
    """leads: that were due · seconds: until none was · batches: what went on beside."""

    leads: int
    seconds: float
    batches: Meanwhile


class Partition:
    """A partition of events that never were on a topic, and the clock beside it."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.rules = compiled()
        self.offset = 0
        patience = Patience(None, lambda ok, why: None)  # type: ignore[arg-type]
        parts: Any = (pool, TOPIC, None, patience, None, None, self.scene)
        self.clockwork = Clockwork(*parts)

    def scene(self) -> Scene:
        return Scene(self.rules, self.clockwork.watermark_ms, 4, new_lead_id)

    async def begin(self) -> None:
        async with self.pool.acquire() as connection:
            await connection.execute(
                "INSERT INTO consumer_partition (topic, partition, cluster_id, next_offset, epoch)"
                " VALUES ($1, 0, 'c', 0, 1)", TOPIC,
            )  # fmt: skip

    async def take(self, events: list[Event]) -> float:
        """Take a batch in; seconds until its commit."""
        started = time.perf_counter()
        arrivals = arrivals_of(events)
        claim = BatchClaim(TOPIC, 0, self.offset, self.offset + 1, 1, 0)
        async with self.pool.acquire() as connection, connection.transaction():
            await take_in(connection, claim, arrivals, self.scene())
        self.offset += 1
        return time.perf_counter() - started

    async def fill(self, leads: int) -> None:
        """So many leads, each due 30 days after its event, a millisecond after one another."""
        for first in range(0, leads, LEADS_A_BATCH):
            numbers = range(first, min(first + LEADS_A_BATCH, leads))
            await self.take([download(number, START + timedelta(milliseconds=number))
                             for number in numbers])  # fmt: skip
        async with self.pool.acquire() as connection:
            await connection.execute("VACUUM ANALYZE lead")

    async def see_to_all(self) -> float:
        """Seconds until no lead is due."""
        self.clockwork.watermark_ms = milliseconds(START + QUIET + timedelta(days=1))
        started = time.perf_counter()
        await self.clockwork.timers()
        return time.perf_counter() - started


def download(number: int, at: datetime) -> Event:
    return Event(
        id=f"event-{number}", source="due", type="content_downloaded", occurred_at=at,
        received_at=at, identifiers=Identifiers(email=f"p{number}@due.example"),
    )  # fmt: skip


def others() -> Iterator[list[Event]]:
    """Batches of leads that nothing is due for."""
    number, at = 10_000_000, START + QUIET + timedelta(days=1)
    while True:
        yield [download(number + index, at) for index in range(EVENTS_A_BATCH)]
        number += EVENTS_A_BATCH


async def measure(database_url: str, leads: int) -> Seen:
    """See to so many leads while batches of others are taken in."""
    async with asyncpg.create_pool(database_url, min_size=3, max_size=4) as pool:
        partition = Partition(pool)
        await partition.begin()
        await partition.fill(leads)
        batches, found = others(), Meanwhile()
        found.alone = [await partition.take(next(batches)) for _ in range(20)]
        timers = asyncio.create_task(partition.see_to_all())
        while not timers.done():
            found.beside.append(await partition.take(next(batches)))
        return Seen(leads, await timers, found)


def told(seen: Seen) -> str:
    """One line of what was measured."""
    alone, beside = seen.batches.alone, seen.batches.beside
    return (
        f"{seen.leads:,} leads due at once: seen to at {seen.leads / seen.seconds:,.0f} a second;"
        f" meanwhile {len(beside)} batches of {EVENTS_A_BATCH} events, median {_ms(beside)} ms,"
        f" slowest {max(beside, default=0) * 1000:.0f} ms; alone {_ms(alone)} ms"
    )


def _ms(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1000:.0f}" if seconds else "-"


def run(stack: BenchStack, leads: int) -> Seen:
    """One measurement, on a fresh database."""
    return asyncio.run(measure(dsn(stack.fresh_settings()), leads))


def main() -> None:
    with BenchStack() as stack:
        print(told(run(stack, LEADS)))


if __name__ == "__main__":
    main()

"""Does an event cost more when its lead has a long history? Scorer CPU and Postgres time for events
of leads with 10 stored events, against leads with 10,000.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg
import msgspec

from services.scorer.arrivals import read_records
from services.scorer.batch import BatchClaim, take_in
from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compiled import Ruleset
from services.scorer.scene import Scene
from shared.database import create_engine, dsn
from shared.envelope import Event, encode_event
from shared.ids import new_lead_id
from shared.ruleset.store import load, publish
from tests.arrivals import HASH_KEY, ReadRecord
from tests.bench.events import event_stream
from tests.bench.stack import BenchStack

SHORT, LONG = 10, 10_000
LEADS = 8
EVENTS_A_BATCH = 400
BATCHES = 10


@dataclass(slots=True)
class Partition:
    """A partition of records that never were on a topic."""

    connection: asyncpg.Connection
    rules: Ruleset
    offset: int = 0

    async def take(self, events: Sequence[Event]) -> float:
        """Take a batch in; seconds from its first byte to its commit."""
        records = [ReadRecord(encode_event(event)) for event in events]
        started = time.perf_counter()
        arrivals, _ = read_records(records, HASH_KEY)
        claim = BatchClaim("flat", 0, self.offset, self.offset + 1, 1, 0)
        async with self.connection.transaction():
            await take_in(self.connection, claim, arrivals, Scene(self.rules, 0, 4, new_lead_id))
        self.offset += 1
        return time.perf_counter() - started


def history(
    prefix: str, leads: int, each: int, until: datetime, seconds_apart: float = 0.5
) -> list[Event]:
    """`each` events for every lead, in order, the last one at `until`."""
    count = leads * each
    stream = event_stream(count, leads, seed=each, per_second=1.0)
    made = []
    for number, event in zip(range(count), stream, strict=False):
        who = msgspec.structs.replace(
            event.identifiers, email=f"{prefix}{number % leads}@flat.example", anonymous_id=None
        )
        at = until - timedelta(seconds=(count - number) * seconds_apart)
        made.append(
            msgspec.structs.replace(
                event, id=f"{prefix}{number}", identifiers=who, occurred_at=at, received_at=at
            )
        )
    return made


async def measure(settings_dsn: str, rules: Ruleset) -> float:
    """The cost of an event of a long lead, as a multiple of one of a short lead."""
    connection = await asyncpg.connect(settings_dsn)
    await connection.execute(
        "INSERT INTO consumer_partition (topic, partition, cluster_id, next_offset, epoch)"
        " VALUES ('flat', 0, 'c', 0, 1)"
    )
    partition = Partition(connection, rules)
    start = datetime.now(UTC) - timedelta(days=2)
    for prefix, each in (("long", LONG), ("short", SHORT)):
        events = history(prefix, LEADS, each, start)
        for at in range(0, len(events), 5000):
            await partition.take(events[at : at + 5000])
    await connection.execute("VACUUM ANALYZE")
    seconds: dict[str, list[float]] = {"long": [], "short": []}
    for number in range(BATCHES):
        fresh = start + timedelta(hours=1 + number)
        order = ["long", "short"]
        random.Random(number).shuffle(order)
        for prefix in order:
            events = history(f"{prefix}", LEADS, EVENTS_A_BATCH // LEADS, fresh)
            events = [
                msgspec.structs.replace(event, id=f"{prefix}-{number}-{at}")
                for at, event in enumerate(events)
            ]
            seconds[prefix].append(await partition.take(events))
    await connection.close()
    return statistics.median(seconds["long"]) / statistics.median(seconds["short"])


async def prepare(stack: BenchStack, settings: object) -> Ruleset:
    """The default ruleset, live in the database of these settings."""
    engine = create_engine(settings)  # type: ignore[arg-type]
    async with engine.begin() as connection:
        version = await publish(connection, stack.default_ruleset(), "bench")
        stored = await load(connection, version)
    await engine.dispose()
    return compile_ruleset(stored.document, stored.rule_numbers, version)


def run(stack: BenchStack) -> float:
    """One measurement, on a fresh database."""
    settings = stack.fresh_settings()

    async def work() -> float:
        return await measure(dsn(settings), await prepare(stack, settings))

    return asyncio.run(work())


def main() -> None:
    with BenchStack() as stack:
        ratios = [run(stack) for _ in range(3)]
    print(
        f"an event of a lead with {LONG:,} events costs {statistics.median(ratios):.2f} × one of a "
        f"lead with {SHORT} (of three: {', '.join(f'{one:.2f}' for one in ratios)})"
    )


if __name__ == "__main__":
    main()

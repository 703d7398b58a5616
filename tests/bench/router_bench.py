"""How many stage changes a router publishes a second, and how many steps of sequences fall due."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.router.main import serve
from services.router.ruleset_words import Rulesets
from services.router.sequences.clock import SequenceClock
from shared.bus import ensure_topics
from shared.database import dsn
from shared.ids import new_lead_id, shard_of
from shared.settings import Settings
from tests.bench.stack import BenchStack
from tests.simulation.sixty_days import BEGIN_MS, DAY_MS, entered

CHANGES = 20_000
LEADS = 2_000
DEADLINE_SECONDS = 120.0
PUBLISHED = """
SELECT count(*) FILTER (WHERE published_at IS NULL) AS waiting, count(*) AS all,
       extract(epoch FROM max(published_at) - min(published_at))::float8 AS seconds
FROM outbox
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """What was done, how often, in how long."""

    what: str
    count: int
    seconds: float

    def words(self) -> str:
        rate = self.count / self.seconds
        return f"{self.what}: {rate:,.0f}/s ({self.count:,} in {self.seconds:.1f} s)"


def run(stack: BenchStack, changes: int = CHANGES) -> list[Rate]:
    """Each over a database and topics of its own."""
    return [
        asyncio.run(_changes(stack.fresh_settings(), changes)),
        asyncio.run(_steps(stack.fresh_settings(), changes // 4)),
    ]


async def _changes(settings: Settings, count: int) -> Rate:
    """Facts of stage changes, ten a lead, from the outbox to the topic and marked."""
    await ensure_topics(settings)
    leads = [new_lead_id(BEGIN_MS + number) for number in range(max(1, count // 10))]
    rows = [
        (shard_of(lead, settings.router_shards), lead, _fact(lead, seq))
        for seq in range(1, 11)
        for lead in leads
    ]
    async with asyncpg.create_pool(dsn(settings), min_size=1, max_size=2) as pool:
        await pool.copy_records_to_table(
            "outbox", columns=["shard", "lead_id", "fact"], records=rows
        )
        stopping = asyncio.Event()
        serving = asyncio.create_task(serve(settings, stopping))
        until = time.monotonic() + DEADLINE_SECONDS
        row = await pool.fetchrow(PUBLISHED)
        while row["waiting"]:
            if time.monotonic() > until:
                raise RuntimeError(f"{row['waiting']} changes are not published in time")
            await asyncio.sleep(0.1)
            row = await pool.fetchrow(PUBLISHED)
        stopping.set()
        await serving
    return Rate("stage changes published", row["all"], row["seconds"])


async def _steps(settings: Settings, leads: int) -> Rate:
    """Steps that are all due at once: decided, written and told."""
    async with asyncpg.create_pool(dsn(settings), min_size=1, max_size=2) as pool:
        await entered(pool, leads)
        rulesets = Rulesets(pool)
        # Begun; then two weeks without a router, after which a step of each is due.
        begin_ms, due_ms = BEGIN_MS, BEGIN_MS + 14 * DAY_MS + 11 * 3_600_000
        clock = SequenceClock(pool, rulesets, settings.router_shards, lambda: begin_ms)
        while await clock.act():
            pass
        clock = SequenceClock(pool, rulesets, settings.router_shards, lambda: due_ms)
        started = time.perf_counter()
        while await clock.act():
            pass
        seconds = time.perf_counter() - started
        sent = await pool.fetchval("SELECT count(*) FROM sequence_step")
    return Rate("sequence steps due", sent, seconds)


def _fact(lead: UUID, seq: int) -> str:
    return json.dumps({
        "kind": "stage_changed", "lead_id": str(lead), "seq": seq, "at_ms": BEGIN_MS + seq,
        "journey": "main", "from_stage": "inform", "to_stage": "educate", "cause": "event",
        "episode": 1, "ruleset_version": 1, "known": True, "scores": {"engagement": 12.5},
        "reasons": [{
            "event_id": "e1", "source": "web", "type": "page_viewed",
            "rule": "engagement/pricing", "points": 10.0,
            "occurred_at": "2026-05-03T09:20:00.000Z",
        }],
    })  # fmt: skip

"""Webhooks/s at a receiver that takes 50 ms, and what others wait while one is dead.

A real Postgres, real sockets; the receiver is a process of its own. A packet of 6 KB.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from rich.table import Table

from services.router.deliver import Deliverer
from services.router.rendering import render
from shared.database import dsn
from shared.ids import new_lead_id
from shared.outbound import destinations
from shared.outbound.channels import Channels
from shared.outbound.posting import Outbound
from shared.settings import Settings
from tests.bench.others import Others
from tests.bench.stack import BenchStack

DESTINATIONS = 10
MESSAGES = 20_000  # of the throughput, over all destinations
SECONDS = 40.0  # of arrivals, for the delay
A_SECOND = 20  # arrivals for each destination
DELAY_TARGET_S = 1.0  # p99, with one dead
DEADLINE_SECONDS = 600.0

PACKET = json.dumps({"type": "handoff.sales", "data": {"lead_id": "", "words": "x" * 6_000}})
ADD = """
INSERT INTO delivery (destination_id, lead_id, message_id, type, body, next_attempt_at)
SELECT d, l, m, 'handoff.sales', $4, now() FROM unnest($1::uuid[], $2::uuid[], $3::text[])
    AS t (d, l, m)
"""
DELAYS = """
SELECT extract(epoch FROM a.at - d.queued_at)::float8 AS waited
FROM delivery d JOIN delivery_attempt a ON a.delivery_id = d.id AND a.attempt = 1
WHERE d.destination_id <> ALL ($1::uuid[]) ORDER BY 1
"""


@dataclass(frozen=True)
class Measured:
    """one, ten: webhooks a second to so many destinations · well, dead: p50 and p99 in seconds from
    queuing to the first attempt, of destinations that are well, without and with a dead one · lost:
    deliveries that didn't reach one that is well.
    """

    one: float
    ten: float
    well: tuple[float, float]
    dead: tuple[float, float]
    lost: int


def measure(stack: BenchStack, messages: int, seconds: float) -> Measured:
    databases = [stack.fresh_settings() for _ in range(4)]
    return asyncio.run(_measure(databases, messages, seconds))


def table(stack: BenchStack, messages: int, seconds: float) -> Table:
    others = Others()
    found = measure(stack, messages, seconds)
    told = Table(title="Webhooks: one router, a receiver that takes 50 ms", expand=True)
    told.add_column("what", ratio=1)
    told.add_column("measured", justify="right")
    told.add_row("webhooks/s, one destination", f"{found.one:,.0f}")
    told.add_row(f"webhooks/s, {DESTINATIONS} destinations", f"{found.ten:,.0f}")
    rate = f"{DESTINATIONS * A_SECOND}/s arriving for {DESTINATIONS} destinations"
    for words, (p50, p99) in (("all well", found.well), ("one never answers", found.dead)):
        told.add_row(
            f"queueing delay, {rate}, {words}", f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms"
        )
    kept = "kept" if found.dead[1] <= DELAY_TARGET_S and not found.lost else "MISSED"
    told.caption = (
        f"p99 with a dead one at most {DELAY_TARGET_S:g} s, none lost: {kept}\n{others.words()}"
    )
    return told


async def _measure(databases: list[Settings], messages: int, seconds: float) -> Measured:
    async with _receiver() as port:
        one = await _throughput(databases[0], port, 1, messages // DESTINATIONS)
        ten = await _throughput(databases[1], port, DESTINATIONS, messages)
        well, lost = await _delays(databases[2], port, seconds, dead=0)
        dead, lost_too = await _delays(databases[3], port, seconds, dead=1)
    return Measured(one, ten, well, dead, lost + lost_too)


async def _throughput(settings: Settings, port: int, count: int, messages: int) -> float:
    """All queued before the deliverer starts."""
    async with asyncpg.create_pool(dsn(settings), min_size=2, max_size=10) as pool:
        ids = await _destinations(pool, port, count, dead=0)
        await _queue(pool, [ids[number % count] for number in range(messages)])
        began = time.monotonic()
        async with _delivering(settings, pool):
            await _until_delivered(pool, messages)
        return messages / (time.monotonic() - began)


async def _delays(
    settings: Settings, port: int, seconds: float, dead: int
) -> tuple[tuple[float, float], int]:
    """A steady stream for all; of those that are well the p50 and p99, and how many were lost."""
    async with asyncpg.create_pool(dsn(settings), min_size=2, max_size=10) as pool:
        ids = await _destinations(pool, port, DESTINATIONS, dead)
        gone = ids[:dead]
        sent = 0
        async with _delivering(settings, pool):
            began = time.monotonic()
            while (passed := time.monotonic() - began) < seconds:
                due = int(passed * A_SECOND) - sent
                if due > 0:
                    await _queue(pool, ids * due)
                    sent += due
                await asyncio.sleep(0.02)
            expected = sent * (DESTINATIONS - dead)
            await _until_delivered(pool, expected)
            done = await pool.fetchval("SELECT count(*) FROM delivery WHERE status = 'delivered'")
            waited = [row["waited"] for row in await pool.fetch(DELAYS, gone)]
    return (waited[len(waited) // 2], waited[int(len(waited) * 0.99)]), expected - done


async def _destinations(pool: Any, port: int, count: int, dead: int) -> list[UUID]:
    """The dead ones first."""
    for number in range(count):
        path = "never" if number < dead else "at-once"
        await destinations.add(
            pool, f"d{number:02}", f"http://127.0.0.1:{port}/{path}", allow_private=True
        )
    return [each.id for each in await destinations.listed(pool)]


async def _queue(pool: Any, to: list[UUID]) -> None:
    now_ms = time.time_ns() // 1_000_000
    leads = [new_lead_id(now_ms) for _ in to]
    for start in range(0, len(to), 2_000):
        some = slice(start, start + 2_000)
        names = [str(each) for each in leads[some]]
        await pool.execute(ADD, to[some], leads[some], names, PACKET.encode())


async def _until_delivered(pool: Any, count: int) -> None:
    async with asyncio.timeout(DEADLINE_SECONDS):
        done = "SELECT count(*) FROM delivery WHERE status = 'delivered'"
        while await pool.fetchval(done) < count:
            await asyncio.sleep(0.1)


@contextlib.asynccontextmanager
async def _delivering(settings: Settings, pool: Any) -> AsyncIterator[None]:
    stopping = asyncio.Event()
    channels = Channels(Outbound(), render)
    task = asyncio.create_task(Deliverer(settings, pool, channels).run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await task
        await channels.close()


@contextlib.asynccontextmanager
async def _receiver() -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.slow_receiver", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()

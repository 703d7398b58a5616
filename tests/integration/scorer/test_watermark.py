"""Up to when time may act: the least of all partitions, raised only where nothing waits."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from services.scorer.clockwork import Clockwork
from services.scorer.partitions import SETTLING_MS, Owned
from shared.settings import Settings

TOPIC = "lead-events"
EPOCH = 7


@dataclass
class OwnedPartitions:
    """What the clockwork asks the Kafka side: which partitions are ours, and which have no lag."""

    owned: dict[int, Owned] = field(default_factory=dict)
    idle: dict[int, int] = field(default_factory=dict)

    def idle_since(self) -> dict[int, int]:
        return self.idle


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Any]:
    """Two partitions: 0 has taken in events up to instant 5,000, 1 up to 3,000."""
    url = settings.database_url.get_secret_value()
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        await pool.executemany(
            "INSERT INTO consumer_partition"
            " (topic, partition, cluster_id, next_offset, epoch, watermark_ms)"
            " VALUES ($1, $2, 'c', 0, $3, $4)",
            [(TOPIC, 0, EPOCH, 5_000), (TOPIC, 1, EPOCH, 3_000)],
        )
        yield pool


def clockwork_over(pool: Any, intake: OwnedPartitions) -> Clockwork:
    parts: Any = (pool, TOPIC, intake, None, None, None, None)
    return Clockwork(*parts)


async def test_the_slowest_partition_decides(pool: Any) -> None:
    """Newer events may still wait in it: with lag in one of them, time stands for all leads."""
    intake = OwnedPartitions({0: Owned(0, 0, EPOCH), 1: Owned(1, 0, EPOCH)})
    clockwork = clockwork_over(pool, intake)
    await clockwork.watermark()
    assert clockwork.watermark_ms == 3_000
    intake.idle = {0: int(time.time() * 1000)}
    await clockwork.watermark()
    assert clockwork.watermark_ms == 3_000


async def test_without_lag_time_goes_on(pool: Any) -> None:
    """Up to when the broker last said that there is nothing new, less what may be on its way."""
    intake = OwnedPartitions({0: Owned(0, 0, EPOCH), 1: Owned(1, 0, EPOCH)})
    polled_ms = int(time.time() * 1000)
    intake.idle = {0: polled_ms, 1: polled_ms - 60_000}
    clockwork = clockwork_over(pool, intake)
    await clockwork.watermark()
    # Ours and Postgres's clock are one machine's here.
    assert abs(clockwork.watermark_ms - (polled_ms - 60_000 - SETTLING_MS)) < 1_000


async def test_a_clock_of_ours_that_is_off_changes_nothing(
    pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hours fast or slow, or stepped between two ticks: time goes by Postgres's clock."""
    intake = OwnedPartitions({0: Owned(0, 0, EPOCH), 1: Owned(1, 0, EPOCH)})
    clockwork = clockwork_over(pool, intake)
    true, seen = time.time, []
    for hours in (2, -2, 0):
        monkeypatch.setattr(time, "time", lambda hours=hours: true() + hours * 3600)
        polled_ms = int(time.time() * 1000)
        intake.idle = {0: polled_ms, 1: polled_ms}
        await clockwork.watermark()
        assert abs(clockwork.watermark_ms - (true() * 1000 - SETTLING_MS)) < 2_000
        seen.append(clockwork.watermark_ms)
    assert seen == sorted(seen)


async def test_time_never_goes_back(pool: Any) -> None:
    """Postgres's clock is set back, or a partition comes anew: what was reached stays reached."""
    intake = OwnedPartitions({0: Owned(0, 0, EPOCH), 1: Owned(1, 0, EPOCH)})
    clockwork = clockwork_over(pool, intake)
    await clockwork.watermark()
    await pool.execute("UPDATE consumer_partition SET watermark_ms = 1000")
    await clockwork.watermark()
    assert clockwork.watermark_ms == 3_000


async def test_a_former_owner_raises_no_watermark(pool: Any) -> None:
    """It may not know of the records that came since: its epoch is old."""
    now_ms = int(time.time() * 1000)
    intake = OwnedPartitions({0: Owned(0, 0, EPOCH - 1), 1: Owned(1, 0, EPOCH - 1)})
    intake.idle = {0: now_ms, 1: now_ms}
    clockwork = clockwork_over(pool, intake)
    await clockwork.watermark()
    assert clockwork.watermark_ms == 3_000


async def test_an_unowned_partition_holds_time_back(pool: Any) -> None:
    """Nobody reads it just now, so nobody knows what waits there."""
    intake = OwnedPartitions({0: Owned(0, 0, EPOCH)}, {0: int(time.time() * 1000)})
    clockwork = clockwork_over(pool, intake)
    await clockwork.watermark()
    assert clockwork.watermark_ms == 3_000

"""Nurture sequences over sixty days, with restarts at random instants; LEADSCORE_LEADS sets how
many leads (`make test-sequences`: 10,000).
"""

from __future__ import annotations

import os
import time

import asyncpg

from tests.simulation.sixty_days import as_line, faults_of, simulate, summary

LEADS = int(os.environ.get("LEADSCORE_LEADS", "200"))


async def test_each_step_goes_out_once_at_its_time(database_url: str) -> None:
    """Caps and quiet hours kept, exits honoured, nine o'clock at nine o'clock in every zone."""
    began = time.monotonic()
    async with asyncpg.create_pool(database_url, min_size=1, max_size=4) as pool:
        outcome = await simulate(pool, LEADS)
    found = summary(outcome)
    print(f"\n{as_line(found)}; {time.monotonic() - began:.0f} s")
    assert faults_of(outcome)[:5] == []
    assert found["sent"] > 4 * LEADS
    assert found["deaths"] > 20
    assert found["ended by an exit"] > 0

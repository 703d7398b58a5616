"""The watch: facts that wait with everything reachable end the process, an outage doesn't."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

import pytest

from services.router.relay import Relay, StalledError, _Running
from shared.health import Health
from shared.settings import Settings


class _Stuck:
    """A shard whose facts have been waiting for ten seconds."""

    number = 0
    epoch = 1
    stuck_since = time.monotonic() - 10


async def _relay(reachable: bool) -> Relay:
    settings = Settings.model_validate({
        "kafka_bootstrap_servers": "nowhere:1",
        "database_url": "postgresql://nowhere/x",
        "hash_key": "a key for tests only, 32 bytes..",
        "stall_limit_seconds": 5.0,
    })  # fmt: skip
    health = Health()
    health.set("kafka", reachable, "away")
    relay = Relay(settings, cast("Any", None), health, "me")
    relay._reachable_since = time.monotonic() - 60
    idle = asyncio.create_task(asyncio.sleep(0))
    relay._running[0] = _Running(cast("Any", _Stuck()), asyncio.Event(), idle)
    await idle
    return relay


async def test_a_standstill_with_everything_reachable_ends_the_process() -> None:
    """A restart may help, and its supervisor sees it."""
    relay = await _relay(reachable=True)
    with pytest.raises(StalledError):
        relay._watch()


async def test_an_outage_is_waited_out() -> None:
    """While a dependency is away the clock of the standstill doesn't run."""
    relay = await _relay(reachable=False)
    relay._watch()
    relay.health.set("kafka", True)
    relay._watch()

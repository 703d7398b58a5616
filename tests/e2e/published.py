"""What was published: the topics, read from their beginning as a subscriber would."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer

from tests.e2e.conftest import Local

STAGE_CHANGED = "lead-stage-changed"
HANDOFF_SALES = "handoff-sales"


def messages(
    local: Local,
    topic: str,
    lead_id: str,
    enough: Callable[[list[dict[str, Any]]], bool],
    seconds: float = 90.0,
) -> list[dict[str, Any]]:
    """The lead's messages in order, once there are enough. What came by the deadline otherwise."""
    return asyncio.run(_messages(local, topic, lead_id, enough, seconds))


async def _messages(
    local: Local,
    topic: str,
    lead_id: str,
    enough: Callable[[list[dict[str, Any]]], bool],
    seconds: float,
) -> list[dict[str, Any]]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=local["kafka_bootstrap_servers"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            batches = await consumer.getmany(timeout_ms=300)
            for records in batches.values():
                mine = (each for each in records if each.key and each.key.decode() == lead_id)
                found.extend(json.loads(record.value) for record in mine)
            if not batches and enough(found):
                break
    finally:
        await consumer.stop()
    return found

"""What subscribers were told of some leads: every message, read from the topics' beginning."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer

from tests.e2e.conftest import Local
from tests.e2e.published import HANDOFF_SALES, STAGE_CHANGED

TOPICS = (STAGE_CHANGED, HANDOFF_SALES, "handoff-content")
PATIENCE_SECONDS = 90.0


@dataclass
class Told:
    """Of one lead. changes: (what ends ce_type, data) in order, such as ("merged.v1", {…}) ·
    packets: (topic, data).
    """

    changes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    packets: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """The data of the changes of one kind: stage-changed, merged or unmerged."""
        return [data for what, data in self.changes if what == f"{kind}.v1"]

    def to_sales(self) -> list[dict[str, Any]]:
        return [data for topic, data in self.packets if topic == HANDOFF_SALES]


def told(local: Local, *lead_ids: str) -> list[Told]:
    """Of each lead all that was said, up to the newest change that the read API knows of now.

    Fails unless each sequence is 1, 2, 3 … and no hand-off came twice.
    """
    newest = {}
    for lead_id in lead_ids:
        items = local.api(f"/v1/leads/{lead_id}/stages?limit=1")["items"]
        newest[lead_id] = items[0]["seq"] if items else 0
    found = asyncio.run(_read(local, newest))
    for lead_id, one in found.items():
        sequence = [data["sequence"] for _, data in one.changes]
        assert sequence == list(range(1, newest[lead_id] + 1)), (sequence, newest[lead_id])
        of_stage = [(topic, data["stage"]["name"], data["stage"]["episode"])
                    for topic, data in one.packets]  # fmt: skip
        assert max(Counter(of_stage).values(), default=1) == 1, of_stage
    return [found[lead_id] for lead_id in lead_ids]


async def _read(local: Local, newest: Mapping[str, int]) -> dict[str, Told]:
    consumer = AIOKafkaConsumer(
        *TOPICS,
        bootstrap_servers=local["kafka_bootstrap_servers"],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        fetch_max_wait_ms=50,
    )
    await consumer.start()
    found = {lead_id: Told() for lead_id in newest}
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while time.monotonic() < deadline:
            batches = await consumer.getmany(timeout_ms=300)
            for record in (record for records in batches.values() for record in records):
                if (one := found.get((record.key or b"").decode())) is None:
                    continue
                data = json.loads(record.value)
                if record.topic == STAGE_CHANGED:
                    kind = dict(record.headers)["ce_type"].decode()
                    one.changes.append((kind.removeprefix("com.leadscore.lead."), data))
                else:
                    one.packets.append((record.topic, data))
            if not batches and all(len(found[one].changes) >= newest[one] for one in newest):
                break
    finally:
        await consumer.stop()
    return found

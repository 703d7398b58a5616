"""Watching: the read API, polled, and the topics that tell of stages and hand-offs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer

from deploy.demo.journey import BROWSER, EMAIL
from deploy.demo.stack import Stack

TOPICS = ("lead-stage-changed", "handoff-content", "handoff-sales")


class Reader:
    """The read API. While it is away, answers are None."""

    def __init__(self, stack: Stack) -> None:
        self._http = httpx.AsyncClient(
            base_url=stack.api_url,
            headers={"Authorization": f"Bearer {stack.api_token}"},
            timeout=15,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def sarah(self) -> dict[str, Any] | None:
        """Sarah's lead: by her address, else by her browser."""
        for asked in ({"email": EMAIL}, {"anonymous_id": BROWSER}):
            found = await self._asked("POST", "/v1/leads/find", asked)
            if found and found["items"]:
                lead: dict[str, Any] = found["items"][0]
                return lead
        return None

    async def event_ids(self, lead_id: str) -> set[str]:
        """Ids of the events that are scored already."""
        page = await self._get(f"/v1/leads/{lead_id}/timeline?limit=500")
        return {event["event_id"] for event in page["items"]} if page else set()

    async def explanation(self, lead_id: str) -> dict[str, Any] | None:
        return await self._get(f"/v1/leads/{lead_id}/explain")

    async def stages(self) -> list[dict[str, Any]]:
        counts = await self._get("/v1/stages")
        return counts["items"] if counts else []

    async def _get(self, path: str) -> dict[str, Any] | None:
        return await self._asked("GET", path)

    async def _asked(
        self, method: str, path: str, body: dict[str, str] | None = None
    ) -> dict[str, Any] | None:
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx.HTTPError:
            return None
        if not answer.is_success:
            return None
        read: dict[str, Any] = json.loads(answer.text)
        return read


@dataclass(slots=True)
class Mailbox:
    """What the topics told, by lead: messages in order of arrival."""

    by_lead: dict[str, list[tuple[str, dict[str, Any]]]] = field(default_factory=dict)
    count: int = 0

    def put(self, topic: str, data: dict[str, Any]) -> None:
        self.count += 1
        self.by_lead.setdefault(data["lead_id"], []).append((topic, data))

    def of(self, lead_id: str, topic: str) -> list[dict[str, Any]]:
        return [data for name, data in self.by_lead.get(lead_id, []) if name == topic]


async def listen(
    stack: Stack, mailbox: Mailbox, heard: Callable[[str, dict[str, Any]], None]
) -> None:
    """Read the topics from their beginning, until cancelled."""
    consumer = AIOKafkaConsumer(
        *TOPICS,
        bootstrap_servers=stack.kafka_bootstrap_servers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
    )
    await consumer.start()
    try:
        async for record in consumer:
            if record.value:
                data = json.loads(record.value)
                mailbox.put(record.topic, data)
                heard(record.topic, data)
    finally:
        await asyncio.shield(consumer.stop())

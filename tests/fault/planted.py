"""People whose names are found nowhere else, and a stack that takes them in."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from shared.bus import create_producer
from shared.envelope import Event, Identifiers, encode_event, instant
from shared.settings import Settings
from tests.integration.router.receiver import Receiver
from tests.processes import Service

DEADLINE_SECONDS = 90.0
PARTITIONS = 2
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# What a broker has by default is days and minutes.
BROKER = """
log.initial.task.delay.ms=500
log.retention.check.interval.ms=500
"""
TOPIC = {
    "compression.type": "uncompressed",
    "segment.ms": "500",
    "file.delete.delay.ms": "100",
    "retention.ms": "3600000",
}
RULES = """
models:
  interest:
    rules:
      - {id: visit, on: page_viewed, points: 30, say: "saw {context.page.title|a page}"}
stages:
  ladder:
    - {name: cold}
    - {name: hot, enter: {interest: 50}, leave: {interest: 5}, handoff: sales}
"""


@dataclass(frozen=True)
class Planted:
    """A person all of whose words are found nowhere else."""

    mark: str

    @property
    def words(self) -> list[str]:
        return [
            f"{self.mark}{what}"
            for what in ("mail", "domain", "user", "visitor", "name", "phone", "title", "note")
        ]

    @property
    def email(self) -> str:
        return f"{self.mark}mail@{self.mark}domain.example"

    def calls(self) -> list[dict[str, Any]]:
        """What a browser sends: a visitor, who says who they are, and comes again."""
        visitor = {"anonymousId": f"{self.mark}visitor"}
        page = {"title": f"{self.mark}title", "url": f"https://x.example/?q={self.mark}note"}
        traits = {"email": self.email, "name": f"{self.mark}name", "phone": f"{self.mark}phone"}
        return [
            {"type": "page", **visitor, "messageId": f"{self.mark}1", "properties": page},
            {
                "type": "identify", **visitor, "messageId": f"{self.mark}2",
                "userId": f"{self.mark}user", "traits": traits,
            },
            {
                "type": "page", "userId": f"{self.mark}user", "messageId": f"{self.mark}3",
                "properties": {**page, "note": f"{self.mark}note"},
            },
        ]  # fmt: skip

    def record(self, seconds_ago: int = 60, **who: str) -> bytes:
        """A record that was received so long ago."""
        at = instant(time.time_ns() // 1_000_000 - seconds_ago * 1000)
        return encode_event(
            Event(
                id=uuid4().hex, source="web", type="page_viewed", occurred_at=at, received_at=at,
                identifiers=Identifiers(**(who or {"email": self.email})),
                properties={"note": f"{self.mark}note"},
            )
        )  # fmt: skip


@dataclass
class Plant:
    """A stack of the test's own, all services running, and where their bytes are."""

    folder: Path
    settings: Settings
    ingest: str
    services: dict[str, Service]
    hooks: Receiver

    @property
    def kafka(self) -> list[Path]:
        return [self.folder / "kafka"]

    @property
    def postgres(self) -> list[Path]:
        return [self.folder / "postgres" / "data"]

    @property
    def logs(self) -> list[Path]:
        return [self.folder / "logs", *(one.log for one in self.services.values())]

    async def ask(self, statement: str, *arguments: Any) -> Any:
        connection = await asyncpg.connect(self.settings.database_url.get_secret_value())
        try:
            return await connection.fetchval(statement, *arguments)
        finally:
            await connection.close()

    async def send(self, person: Planted) -> None:
        async with httpx.AsyncClient(headers={"User-Agent": BROWSER}) as client:
            for call in person.calls():
                answer = await client.post(
                    f"{self.ingest}/v1/batch", auth=("test-write-key", ""), json={"batch": [call]}
                )
                assert answer.status_code == 200, answer.text

    async def put(self, *records: bytes) -> None:
        """Straight to the topic, as a replay would."""
        producer = create_producer(self.settings)
        await producer.start()
        for record in records:
            await producer.send_and_wait(self.settings.topics.lead_events, record, key=b"k")
        await producer.stop()

    def scorer_counts(self, name: str) -> float:
        lines = self.services["scorer"].answer("/metrics")[1].splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


async def until(condition: Any, what: str) -> Any:
    """What the condition gives, once that is something."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := await condition()):
        assert time.monotonic() < deadline, f"not in time: {what}"
        await asyncio.sleep(0.1)
    return found

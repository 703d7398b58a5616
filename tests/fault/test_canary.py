"""A person is planted, erased, and searched for in every byte of Postgres, Kafka and the logs."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.local import jars, kafka, ports, postgres
from deploy.local.process import Child, Watchdog
from deploy.local.servers import wait_until
from services.router import destinations
from shared.bodies import pack_body
from shared.bus import admin_client, create_producer
from shared.database import create_engine, migrate
from shared.envelope import Event, Identifiers, encode_event, instant
from shared.ruleset.store import publish
from shared.settings import Settings
from tests.fault.every_byte import files_with
from tests.integration.router.receiver import Receiver, receiver
from tests.processes import Service, environment, service

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


@pytest.fixture
def servers() -> Iterator[tuple[Path, str, str]]:
    """A broker whose retention is quick, and a database: (folder, broker, database's address)."""
    folder = Path(tempfile.mkdtemp(prefix="leadscore-canary-"))
    folder.chmod(0o711)
    taken: set[int] = set()
    broker_port, controller_port, database_port = (ports.choose(taken=taken) for _ in range(3))
    watchdog = Watchdog()
    log = folder / "logs"
    database = postgres.prepare(folder / "postgres", log / "postgres.log", database_port, "secret")
    broker = kafka.prepare(
        folder / "kafka", log / "kafka.log", broker_port, controller_port, jars.fetch(), quick=True
    )
    with (folder / "kafka" / "server.properties").open("a") as properties:
        properties.write(BROKER)
    children = [Child(broker, watchdog), Child(database, watchdog)]
    try:
        admin = postgres.database_url(database_port, "secret", "postgres")
        wait_until(lambda: postgres.answers(admin), children[1], "Postgres")
        wait_until(lambda: ports.answers(broker_port), children[0], "Kafka")
        yield folder, f"{ports.HOST}:{broker_port}", admin
    finally:
        for child in children:
            child.stop()
        watchdog.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def plant(servers: tuple[Path, str, str]) -> AsyncIterator[Plant]:
    """Everything running: ingest, scorer, router, and a receiver of webhooks."""
    folder, broker, database_url = servers
    settings = Settings.model_validate({
        "kafka_bootstrap_servers": broker, "database_url": database_url,
        "event_partitions": PARTITIONS, "hash_key": "a key for tests only, 32 bytes..",
        "write_keys": "web:test-write-key", "secret_keys": "server:test-secret-key",
        "api_token": "test-api-token",
    })  # fmt: skip
    await asyncio.to_thread(migrate, database_url)
    async with admin_client(settings) as admin:
        await admin.create_topics([
            NewTopic(topic.name, topic.partitions, 1, topic_configs=TOPIC)
            for topic in settings.topics.table(PARTITIONS)
        ])  # fmt: skip
    engine = create_engine(settings)
    async with engine.begin() as connection:
        await publish(connection, RULES)
    await engine.dispose()
    async with AsyncExitStack() as stack:
        hooks = await stack.enter_async_context(receiver())
        async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
            await destinations.add(pool, "crm", hooks.url, allow_private=True)
        running = {
            name: stack.enter_context(service(name, settings))
            for name in ("ingest", "scorer", "router")
        }
        for one in running.values():
            await asyncio.to_thread(one.wait_ready)
        ingest = f"http://127.0.0.1:{running['ingest'].port}"
        yield Plant(folder, settings, ingest, running, hooks)


async def test_an_erased_person_is_in_no_byte_on_disk(plant: Plant) -> None:
    """After retention in Kafka and vacuum in Postgres; another person is found all along."""
    canary, control = Planted(f"kanari{uuid4().hex[:8]}"), Planted(f"amsel{uuid4().hex[:8]}")
    await _live(plant, canary, control)
    await plant.ask("CHECKPOINT")
    for where in (plant.kafka, plant.postgres):
        found = files_with([*canary.words, *control.words], where)
        assert set(found) == {*canary.words, *control.words}, "the search finds what is there"
    await _erase(plant, canary)
    await plant.put(canary.record())
    await until(_dropped(plant), "the record of before is dropped")
    await _pass_retention(plant, canary)
    await plant.send(Planted(f"{control.mark}x"))  # and Kafka goes on
    await _settle_postgres(plant, canary)
    everywhere = [*plant.kafka, *plant.postgres, *plant.logs]
    assert files_with([canary.mark], everywhere) == {}, "it begins all words"
    assert set(files_with(control.words, plant.postgres)) == set(control.words)
    assert files_with([f"{control.mark}xmail"], plant.kafka)
    assert files_with([canary.mark, control.mark], plant.logs) == {}


def test_the_search_finds_words_however_they_are_written(tmp_path: Path) -> None:
    """As they are, in capitals, in UTF-16, in base64 wherever they begin, and in packed bodies."""
    import base64

    word = "kanari0123456789"
    written = [word.encode(), word.upper().encode(), word.encode("utf-16-le")]
    written += [base64.b64encode(b"x" * shift + word.encode() + b"yz") for shift in range(5)]
    written += [b"\0\1" + pack_body(f'{{"id":"{word}"}}'.encode()) + b"\2"]
    for number, content in enumerate(written):
        (tmp_path / str(number)).write_bytes(content)
    assert len(files_with([word], [tmp_path])[word]) >= len(written)
    for number in range(len(written)):
        found = files_with([word], [tmp_path / str(number)])
        assert found, f"not in {written[number]!r}"
    assert files_with(["kanari9876543210"], [tmp_path]) == {}


async def _live(plant: Plant, canary: Planted, control: Planted) -> None:
    """Both are scored, handed over, and delivered; one record of each is a dead letter; and the
    control's event names the canary.
    """
    await plant.send(canary)
    await plant.send(control)
    await plant.put(*(one.record() + b"}" for one in (canary, control)))

    async def told() -> bool:
        bodies = [str(one.body) for one in plant.hooks.posted]
        return all(any(one.email in body for body in bodies) for one in (canary, control))

    await until(told, "both are handed over, and the webhooks delivered")

    async def put_aside() -> bool:
        return plant.scorer_counts('leadscore_scorer_events_total{outcome="dead_letter"}') == 2

    await until(put_aside, "both dead letters are written")
    # After both have said who they are: before that, it would make them one person.
    await plant.put(control.record(0, user_id=f"{control.mark}user", email=canary.email))

    async def mentioned() -> bool:
        return bool(await plant.ask("SELECT count(*) = 7 FROM event"))

    await until(mentioned, "the control's event that names the canary is taken in")
    people = await plant.ask(
        "SELECT count(DISTINCT lead_id) FROM identifier WHERE kind = 2 AND value = ANY($1::text[])",
        [canary.email, control.email],
    )
    assert people == 2, "the control is somebody else"


async def _erase(plant: Plant, canary: Planted) -> None:
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.cli", "person", "erase", canary.email, "--reason", "test",
         "--yes"],
        env=environment(plant.settings), capture_output=True, text=True, check=False,
        timeout=DEADLINE_SECONDS,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert canary.mark not in ran.stdout + ran.stderr


def _dropped(plant: Plant) -> Any:
    async def dropped() -> bool:
        return plant.scorer_counts('leadscore_scorer_events_total{outcome="erased"}') == 1

    return dropped


async def _pass_retention(plant: Plant, canary: Planted) -> None:
    """Records of a second ago are old now."""
    async with admin_client(plant.settings) as admin:
        await admin.alter_configs([
            ConfigResource(
                ConfigResourceType.TOPIC, topic.name, configs={**TOPIC, "retention.ms": "1000"}
            )
            for topic in plant.settings.topics.table(PARTITIONS)
        ])  # fmt: skip

    async def gone() -> bool:
        return not await asyncio.to_thread(files_with, [canary.mark], plant.kafka)

    await until(gone, "Kafka has deleted what is old")
    async with admin_client(plant.settings) as admin:
        await admin.alter_configs([
            ConfigResource(ConfigResourceType.TOPIC, topic.name, configs=TOPIC)
            for topic in plant.settings.topics.table(PARTITIONS)
        ])  # fmt: skip


async def _settle_postgres(plant: Plant, canary: Planted) -> None:
    """What vacuum, statistics and checkpoints do in days: tables are written anew, and the log's
    files used again.
    """
    await plant.ask("VACUUM (FULL, ANALYZE)")  # the statistics hold values of columns
    await plant.ask("VACUUM FULL pg_statistic")

    async def overwritten() -> bool:
        await plant.ask("SELECT pg_create_restore_point('next')")
        await plant.ask("SELECT pg_switch_wal()")
        await plant.ask("CHECKPOINT")
        return not await asyncio.to_thread(files_with, [canary.mark], plant.postgres)

    await until(overwritten, "the write-ahead log is used again")

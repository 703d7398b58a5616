"""What runs beside the requests: staying connected to Kafka, and following the sources."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.ingest.intake import Intake
from services.ingest.sources import Sources
from shared.bus import SupervisedProducer
from shared.errors import TryAgainError
from shared.health import Health

log = structlog.get_logger()
KAFKA_CHECK_SECONDS = 1.0
SOURCES_SECONDS = 1.5
DATABASE_SECONDS = 5.0


async def watch_kafka(producer: SupervisedProducer, intake: Intake, health: Health) -> None:
    """Connect, trying until a broker answers; then ask it every second and report to `health`.

    Requests meanwhile are answered 429. Ends only by being cancelled.
    """
    while True:
        try:
            await producer.start()
            break
        except TryAgainError:
            health.set("kafka", False, "no broker answers")
            await asyncio.sleep(KAFKA_CHECK_SECONDS)
    was_up: bool | None = None
    while True:
        up = await producer.reachable(KAFKA_CHECK_SECONDS * 2)
        if up:
            intake.reached()
        health.set("kafka", up, "no broker answers")
        if up is not was_up:
            log.info("kafka is back" if up else "kafka is away")
            was_up = up
        await asyncio.sleep(KAFKA_CHECK_SECONDS)


async def follow_sources(engine: AsyncEngine, sources: Sources, health: Health) -> None:
    """Read the table of sources every 1.5 s. While Postgres is away the last known stay in force,
    and ingest stays ready: events need Kafka alone. Ends only by being cancelled.
    """
    known, lost = False, False
    while True:
        try:
            async with asyncio.timeout(DATABASE_SECONDS), engine.connect() as connection:
                await sources.reload(connection)
            known, lost = True, False
            health.set("sources", True)
        except (OSError, TimeoutError, SQLAlchemyError) as error:
            if not lost:
                log.warning("sources can't be read", error=type(error).__name__)
            lost = True
            if not known:
                health.set("sources", False, "the table of sources has not been read yet")
        await asyncio.sleep(SOURCES_SECONDS)

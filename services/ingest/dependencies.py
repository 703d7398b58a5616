"""What runs beside the requests: staying connected to Kafka, and following the sources."""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from services.ingest.intake import Intake
from services.ingest.key_rows import note_used, valid_keys
from services.ingest.keys import Keys
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


async def follow_sources(
    engine: AsyncEngine, sources: Sources, health: Health, keys: Keys | None = None
) -> None:
    """Read the tables of sources and keys every 1.5 s and report to `health`. While Postgres is
    away ingest isn't ready, but takes events all the same: they need Kafka alone, and what was
    known last stays in force. Ends only by being cancelled.
    """
    was_up: bool | None = None
    while True:
        try:
            async with asyncio.timeout(DATABASE_SECONDS), engine.connect() as connection:
                await sources.reload(connection)
                if keys is not None:
                    keys.take_over(await valid_keys(connection))
                    await note_used(connection, keys.lately_used())
            up, why = True, ""
        except (OSError, TimeoutError, SQLAlchemyError) as error:
            up, why = False, f"Postgres does not answer ({type(error).__name__})"
        health.set("sources", up, why)
        if up is not was_up:
            log.info("sources are read") if up else log.warning("sources can't be read", why=why)
            was_up = up
        await asyncio.sleep(SOURCES_SECONDS)

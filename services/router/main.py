"""The router process: wires the relay, the deliverer and the health server together."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from typing import Protocol
from uuid import uuid4

import asyncpg
import structlog

from services.router.at_sending import AnswerLinks, SuppressedBySaying
from services.router.away import AWAY_ERRORS
from services.router.deliver import Deliverer
from services.router.relay import Relay
from services.router.rendering import render
from services.router.ruleset_words import Rulesets
from services.router.sales_clock import SalesClock
from services.router.sequences.clock import SequenceClock
from shared.database import dsn
from shared.health import Health, serve_health
from shared.logs import configure_logs
from shared.outbound.channels import Channels
from shared.outbound.mail import MailSettingsError, mailer_of
from shared.outbound.posting import Outbound
from shared.settings import Settings

log = structlog.get_logger()

CONNECT_RETRY_SECONDS = 1.0


class Part(Protocol):
    """One of the things a router does all the time."""

    async def run(self, stopping: asyncio.Event) -> None: ...


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; exits non-zero when it gives itself up."""
    configure_logs(settings, "router")
    sys.exit(asyncio.run(serve(settings)))


async def serve(settings: Settings, stopping: asyncio.Event | None = None) -> int:
    """Everything this process does; its exit code. `stopping` ends it as a signal would."""
    try:
        mailer = mailer_of(settings)
    except MailSettingsError as error:
        log.error("settings can't be used", why=str(error))  # noqa: TRY400 - said in full
        return 2
    stopping = stopping or _stop_on_signals()
    health = Health.waiting_for("kafka", "postgres")
    answering = asyncio.create_task(serve_health(settings, health))
    try:
        pool = await _pool(settings, health, stopping)
        if pool is None:
            return 0
        async with pool:
            owner = f"{settings.instance or socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
            key = settings.hash_key.get_secret_value().encode()
            links = AnswerLinks(key, settings.public_url)
            channels = Channels(Outbound(), render, mailer, links)
            relay = Relay(settings, pool, health, owner)
            try:
                clock = SalesClock(
                    pool, Rulesets(pool), settings.router_shards, settings.public_url, _now_ms
                )
                steps = SequenceClock(pool, Rulesets(pool), settings.router_shards, _now_ms)
                said = SuppressedBySaying(pool, Rulesets(pool), _now_ms)
                deliverer = Deliverer(settings, pool, channels, said)
                return await _work([relay, deliverer, clock, steps], stopping)
            finally:
                await channels.close()
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)


async def _work(parts: Sequence[Part], stopping: asyncio.Event) -> int:
    tasks = [asyncio.create_task(part.run(stopping)) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        stopping.set()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    failures = [result for result in results if isinstance(result, BaseException)]
    for failure in failures:
        log.error("the router gives up", why=type(failure).__name__, exc_info=failure)
    return 1 if failures else 0


async def _pool(
    settings: Settings, health: Health, stopping: asyncio.Event
) -> asyncpg.Pool[asyncpg.Record] | None:
    """Connections to Postgres, waited for; None when it is time to stop first."""
    while not stopping.is_set():
        try:
            return await asyncpg.create_pool(
                dsn(settings),
                min_size=1,
                max_size=settings.router_shards + 6,
                command_timeout=60,
                server_settings={"application_name": settings.instance or "leadscore-router"},
            )
        except AWAY_ERRORS as error:
            health.set("postgres", False, type(error).__name__)
            log.warning("a dependency is away", dependency="postgres", error=type(error).__name__)
            await asyncio.sleep(CONNECT_RETRY_SECONDS)
    return None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    return stopping

"""Wiring of the console process: settings, engine, app, server."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Iterator

import sqlalchemy as sa
import structlog
import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.app import create_app
from services.console.erasures import PersonDesk
from services.console.event_sender import EventSender
from shared.database import create_engine
from shared.health import Health
from shared.identifier_forms import IdentifierForms, forms_of
from shared.logs import configure_logs
from shared.outbound.mail import Mailer, MailSettingsError, mailer_of
from shared.settings import Settings

PROBE_SECONDS = 2.0

log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """A server that leaves the signals to `_serve`: uvicorn would raise them again at the end."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(settings: Settings) -> None:
    """Serve the read API until SIGTERM or SIGINT. Exits with 2 if no API token is set."""
    configure_logs(settings, "console")
    if not settings.api_token.get_secret_value():
        log.error("not started", why="LEADSCORE_API_TOKEN is not set; the API would be open")
        sys.exit(2)
    try:
        forms = forms_of(settings)
        mailer = mailer_of(settings)
    except (ValueError, MailSettingsError) as error:
        log.error("settings can't be used", why=str(error))  # noqa: TRY400 - said in full
        sys.exit(2)
    asyncio.run(_serve(settings, forms, mailer))


async def _serve(settings: Settings, forms: IdentifierForms, mailer: Mailer | None) -> None:
    engine = create_engine(settings)
    health = Health.waiting_for("postgres")
    sender = EventSender(settings)
    token = settings.api_token.get_secret_value()
    hash_key = settings.hash_key.get_secret_value().encode()
    persons = PersonDesk(engine, hash_key, sender.send_erasure, _now_ms, forms)
    given = settings.sales_webhook_secrets.get_secret_value().split(",")
    secrets = [one.strip() for one in given if one.strip()]
    app = create_app(
        engine,
        health,
        token,
        _now_ms,
        sender.send,
        forms,
        hash_key,
        persons,
        settings.router_shards,
        secrets,
        mailer,
    )
    server = _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    )
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, setattr, server, "should_exit", True)
    probing = asyncio.create_task(_probe(engine, health))
    try:
        await server.serve()
    finally:
        probing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await probing
        await sender.stop()
        await engine.dispose()


async def _probe(engine: AsyncEngine, health: Health) -> None:
    """Ask Postgres for its health, for ever."""
    while True:
        try:
            async with asyncio.timeout(PROBE_SECONDS * 2), engine.connect() as connection:
                await connection.execute(sa.text("SELECT 1"))
            health.set("postgres", True)
        except Exception as error:  # noqa: BLE001 - whatever is wrong, we are not ready
            health.set("postgres", False, f"no answer: {type(error).__name__}")
        await asyncio.sleep(PROBE_SECONDS)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000

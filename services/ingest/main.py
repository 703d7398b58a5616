"""The ingest process: wires the app to Kafka and Postgres, serves, and stops cleanly."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import Iterator

import structlog
import uvicorn
import uvloop

from services.ingest.app import create_app
from services.ingest.batches import attempt_in_batches
from services.ingest.dependencies import follow_sources, watch_kafka
from services.ingest.edge import Edge
from services.ingest.email_links import Links, links_of
from services.ingest.handling import Handling, handling_of
from services.ingest.imports.uploads import Uploads
from services.ingest.intake import Intake
from services.ingest.keys import Keys, keys_of
from services.ingest.placement import make_producer
from services.ingest.rates import Rates
from services.ingest.redirects import origins_in
from services.ingest.routes import origins_of
from services.ingest.sources import Sources, sources_in_settings
from services.ingest.verdicts import Networks, networks_in
from shared.bus import SupervisedProducer
from shared.database import create_engine
from shared.health import Health
from shared.logs import configure_logs
from shared.settings import Settings

log = structlog.get_logger()
_DRAIN_SECONDS = 8


class _Server(uvicorn.Server):
    """A server that leaves the signals to us, so that a stop ends with exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT. Raises SystemExit when a setting can't be read or the port is
    taken.
    """
    configure_logs(settings, "ingest")
    calm_garbage_collection()
    try:
        keys, sources = keys_of(settings), sources_in_settings(settings)
        handling = handling_of(settings)
        origins_in(settings.redirect_origins)
        networks = networks_in(settings.datacentre_file)
        links = links_of(settings)
    except ValueError as error:
        log.error("settings can't be used", why=str(error))  # noqa: TRY400 - said in full
        raise SystemExit(2) from None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(settings, keys, sources, handling, networks, links))


def calm_garbage_collection() -> None:
    """A request makes hundreds of objects, few of them in cycles: looking for cycles at Python's
    default pace costs a tenth of its time (measured).
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


async def _serve(
    settings: Settings,
    keys: Keys,
    sources: Sources,
    handling: Handling,
    networks: Networks,
    links: Links,
) -> None:
    health = Health.waiting_for("kafka", "sources")
    producer = SupervisedProducer(lambda: make_producer(settings), attempt_in_batches)
    intake = Intake(settings, producer)
    engine = create_engine(settings, pool_size=1, max_overflow=2)
    edge = Edge(
        settings, intake, keys, sources, origins_of(settings.allowed_origins), handling, links,
        Rates.of(settings), networks, uploads=Uploads(engine),
    )  # fmt: skip
    server = _Server(_config(settings, edge, health))
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, setattr, server, "should_exit", True)
    background = [
        asyncio.create_task(watch_kafka(producer, intake, health)),
        asyncio.create_task(follow_sources(engine, sources, health, keys)),
    ]
    try:
        await server.serve()
    finally:
        for task in background:
            task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await producer.stop()
        await engine.dispose()
        log.info("stopped")


def _config(settings: Settings, edge: Edge, health: Health) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(edge, health),
        host=settings.host,
        port=settings.port,
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )

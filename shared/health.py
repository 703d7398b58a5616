"""Liveness, readiness and metrics of a process, and a small server for those without one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Gauge, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from shared.settings import Settings

DEPENDENCY_UP = Gauge(
    "leadscore_dependency_up", "1 while the dependency answers, 0 while it is away", ["dependency"]
)


@dataclass(slots=True)
class Health:
    """Named checks. A process is ready when every one of them holds.

    Name the checks at the start (`Health.waiting_for("kafka", "postgres")`), so that the process is
    not ready before each was made once.
    """

    checks: dict[str, tuple[bool, str]] = field(default_factory=dict)

    @classmethod
    def waiting_for(cls, *names: str) -> Health:
        """A process that is starting: none of these has been reached yet."""
        health = cls()
        for name in names:
            health.set(name, False, "not reached yet")
        return health

    def set(self, name: str, ok: bool, why: str = "") -> None:
        """Record a check. `why` says in plain words what is wrong; no data of people."""
        self.checks[name] = (ok, "" if ok else why)
        DEPENDENCY_UP.labels(name).set(1 if ok else 0)

    @property
    def ready(self) -> bool:
        return bool(self.checks) and all(ok for ok, _ in self.checks.values())

    @property
    def away(self) -> dict[str, str]:
        """What is away, and why."""
        return {name: why for name, (ok, why) in self.checks.items() if not ok}


def health_routes(health: Health) -> list[Route]:
    """`/livez`, `/readyz`, `/metrics`, to be mounted in any Starlette or FastAPI app."""

    async def livez(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_request: Request) -> Response:
        return JSONResponse(
            {"ready": health.ready, "away": health.away}, 200 if health.ready else 503
        )

    async def metrics(_request: Request) -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]


def health_app(health: Health) -> Starlette:
    """An app with nothing but the health routes."""
    return Starlette(routes=health_routes(health))


class _Server(uvicorn.Server):
    """A server that leaves the signals to the process it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve_health(settings: Settings, health: Health) -> None:
    """Serve the health routes on settings.host and settings.port until cancelled.

    Raises SystemExit when the port is taken (uvicorn's way).
    """
    config = uvicorn.Config(
        health_app(health),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    running = asyncio.ensure_future(server.serve())
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        server.should_exit = True
        await running
        raise

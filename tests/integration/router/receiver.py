"""A receiver of webhooks: a real HTTP server that verifies as a customer's would."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True)
class Posted:
    """One request, as it came. `at_s` is the signed time of the attempt."""

    id: str
    at_s: int
    body: dict[str, Any]
    host: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Receiver:
    """secret: once it is known, each request must verify · answer: what to say to each."""

    url: str = ""
    port: int = 0
    secret: str = ""
    answer: Callable[[Posted], Response] = lambda _: Response(status_code=204)
    posted: list[Posted] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        if self.secret:
            try:
                Webhook(self.secret).verify(body, dict(request.headers))
            except Exception as error:  # noqa: BLE001 (whatever it is, the test must show it)
                self.faults.append(repr(error))
        posted = Posted(
            request.headers.get("webhook-id", ""),
            int(request.headers.get("webhook-timestamp", 0)),
            json.loads(body),
            request.headers["host"],
            dict(request.headers),
        )
        self.posted.append(posted)
        return self.answer(posted)


@contextlib.asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver on a free port of this machine, at /hook."""
    made = Receiver()
    app = Starlette(routes=[Route("/{path:path}", made.take, methods=["POST", "GET"])])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    made.port = server.servers[0].sockets[0].getsockname()[1]
    made.url = f"http://127.0.0.1:{made.port}/hook"
    try:
        yield made
    finally:
        server.should_exit = True
        await serving

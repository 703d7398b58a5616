"""A site of a few pages that carries the tracker, served to a real browser."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import wave
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

HOME = """
<h1>Retirement savings</h1>
<a id="next" href="/pricing">Pricing</a>
<a id="guide" href="/files/guide.pdf">Your Guide to a Secure Retirement</a>
<a id="out" href="http://localhost:{port}/elsewhere">A partner</a>
"""
PRICING = """
<h1>Pricing</h1>
<form id="callback" data-leadscore-form="callback" action="/done" method="post">
  <input name="email"><input name="company"><input name="pass" type="password">
  <input name="shown_password" type="text"><input name="card" autocomplete="cc-number">
  <input name="note">
  <input type="checkbox" name="topic" value="tax" checked>
  <input type="checkbox" name="topic" value="funds" checked>
  <input type="hidden" name="csrf_token" value="t"><button>Call me</button>
</form>
<form id="direct" data-leadscore-form="ebook" action="{ingest}/v1/forms/ebook" method="post">
  <input type="hidden" name="writeKey" value="{key}">
  <input name="email"><button>Send me the e-book</button>
</form>
"""
ARTICLE = """
<h1>Five mistakes</h1>
<video id="talk" src="/files/talk.wav" title="Tom and Ann" muted></video>
<div style="height: 4000px">A long text</div>
<a id="back" href="/">Home</a>
"""
PAGES = {"/pricing": PRICING, "/article": ARTICLE}


@dataclass
class Site:
    """Pages with the snippet: the tracker's address, the key, its other attributes, what else
    stands in each page's head, and headers of each page.
    """

    ingest: str
    key: str
    attributes: str
    head: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    url: str = ""

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[int]:
        """Serve it on a free port, which it gives; `url` tells it, too."""
        async with serving(self._app()) as port:
            self.url = f"http://127.0.0.1:{port}"
            yield port

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/pricing", self._page),
                Route("/article", self._page),
                Route("/files/talk.wav", self._talk),
                Route("/done", self._done, methods=["POST"]),
                Route("/elsewhere", self._done),
                Route("/files/guide.pdf", self._done),
            ]
        )

    async def _page(self, request: Request) -> Response:
        body = PAGES.get(request.url.path, HOME)
        body = body.format(ingest=self.ingest, key=self.key, port=request.url.port)
        return HTMLResponse(
            f"<!doctype html><head>{self.head}"
            f'<script async src="{self.ingest}/beacon.js" data-write-key="{self.key}" '
            f"{self.attributes}></script><title>Page {request.url.path}</title></head>{body}",
            headers=self.headers,
        )

    async def _talk(self, _request: Request) -> Response:
        return Response(silence(), media_type="audio/wav")

    async def _done(self, _request: Request) -> Response:
        return PlainTextResponse("done")


@contextlib.asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[int]:
    """Serve it on a free port, which it gives."""
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False)
    server = _Server(config)
    # The socket listens before the server runs: whoever comes early waits in line.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        task = asyncio.create_task(server.serve([listening]))
        try:
            yield int(listening.getsockname()[1])
        finally:
            server.should_exit = server.force_exit = True
            await task


def silence() -> bytes:
    """Two seconds of it, as a file that a video element plays, too."""
    file = io.BytesIO()
    with wave.open(file, "wb") as talk:
        talk.setnchannels(1)
        talk.setsampwidth(1)
        talk.setframerate(8000)
        talk.writeframes(b"\x80" * 16_000)
    return file.getvalue()


class _Server(uvicorn.Server):
    """A server that leaves the signals to pytest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

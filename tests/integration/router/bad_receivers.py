"""Receivers that misbehave, on real sockets: each says something else to every request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


def saying(raw: bytes) -> Behaviour:
    """These bytes, then the end of the connection."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()

    return say


def status(line: str, *headers: str) -> Behaviour:
    lines = [f"HTTP/1.1 {line}", "content-length: 0", *headers, "", ""]
    return saying("\r\n".join(lines).encode())


async def hang(_writer: asyncio.StreamWriter) -> None:
    """No word, for a long time."""
    await asyncio.sleep(3600)


async def endless(writer: asyncio.StreamWriter) -> None:
    """200, and a body without an end."""
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def unfinished(writer: asyncio.StreamWriter) -> None:
    """200, and a body that is promised and never comes."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\nwe-hold-leads")
    await writer.drain()
    await asyncio.sleep(3600)


shorter = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nwe-hold-leads")
nonsense = saying(b"220 mail.example ESMTP\r\n")


@contextlib.asynccontextmanager
async def misbehaving(behaviour: Behaviour) -> AsyncIterator[tuple[str, list[bytes]]]:
    """(URL, the heads of requests that came)."""
    heads: list[bytes] = []
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                heads.append(await reader.readuntil(b"\r\n\r\n"))
                await behaviour(writer)
        finally:
            serving.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/hook?token=of-the-query", heads
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

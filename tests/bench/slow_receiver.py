"""A receiver of webhooks that takes its time, as a process of its own; prints its port.

/at-once answers 204 after 50 ms, on a connection that stays open; /never doesn't answer at all.
"""

from __future__ import annotations

import asyncio
import contextlib

LATENCY_SECONDS = 0.05
NEVER_SECONDS = 3600.0
ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, one request after another."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length or 0))
            await asyncio.sleep(NEVER_SECONDS if b" /never " in head else LATENCY_SECONDS)
            writer.write(ANSWER)
            await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

"""Load for an HTTP server: keep-alive connections that each send the next request when the last is
answered. `python -m` this module; prints one line of JSON. It ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import cast

import uvloop

from tests.bench.stack import cpu_seconds

PEOPLE = 20_000
WRITE_KEY = "bench-write-key"
ID_MARK = "@" * 32
PATHS = ("/pricing", "/product", "/docs/start", "/case-studies/acme", "/blog/common-mistakes")
AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
# An answer that takes longer than this ends the run with an error.
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class Loaded:
    """What came of a run. Seconds: wall time of the measured window; the server's and our own CPU
    time in it. `others`: answers by status that were not 200. Milliseconds: from sending to answer.
    """

    requests: int
    kept: int
    seconds: float
    server_cpu_seconds: float
    own_cpu_seconds: float
    p50_ms: float
    p99_ms: float
    others: dict[str, int] = field(default_factory=dict)


@dataclass
class Tally:
    """Counts over all connections. `kept`: all 200s, warm-up too; `latencies`: since it is set."""

    latencies: list[float] | None = None
    kept: int = 0
    others: dict[str, int] = field(default_factory=dict)
    sent: int = 0
    ending: bool = False


def requests(people: int) -> list[tuple[bytes, bytes]]:
    """Requests to /v1/track, encoded; each in two parts between which a message id belongs."""
    return [_request(person) for person in range(people)]


def _request(person: int) -> tuple[bytes, bytes]:
    path = PATHS[person % len(PATHS)]
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    url = f"https://www.example.com{path}"
    call = {
        "type": "track",
        "messageId": ID_MARK,
        "event": "Content Downloaded",
        "anonymousId": f"{person:032x}",
        "timestamp": now,
        "sentAt": now,
        "properties": {
            "title": f"About {path}", "content_id": path, "format": "pdf", "pages": 12,
            "category": "retirement planning",
        },
        "context": {
            "page": {
                "url": f"{url}?utm_source=newsletter&utm_medium=email", "path": path,
                "title": f"About {path} | Example", "referrer": "https://www.google.com/",
                "search": "?utm_source=newsletter&utm_medium=email",
            },
            "campaign": {"source": "newsletter", "medium": "email", "name": "spring-2026"},
            "library": {"name": "analytics.js", "version": "2.11.1"},
            "userAgent": AGENT, "locale": "en-GB", "timezone": "Europe/Vienna",
        },
    }  # fmt: skip
    if person % 3 < 2:
        call["userId"] = f"user-{person}"
    body = json.dumps(call, separators=(",", ":"))
    key = base64.b64encode(f"{WRITE_KEY}:".encode()).decode()
    head = (
        "POST /v1/track HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"User-Agent: {AGENT}\r\nAuthorization: Basic {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    before, _, after = (head + body).partition(ID_MARK)
    return before.encode(), after.encode()


class Connection(asyncio.Protocol):
    """One request in flight at a time."""

    def __init__(self, tally: Tally, parts: list[tuple[bytes, bytes]], run: str) -> None:
        self._tally = tally
        self._parts = parts
        self._run = run
        self._buffer = b""
        self._sent_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(f"the server closed the connection: {exc}"))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        end = buffer.find(b"\r\n\r\n")
        if end < 0 or len(buffer) < end + 4 + _content_length(buffer[:end]):
            self._buffer = buffer
            return
        self._buffer = b""
        self._answered(buffer[9:12])

    def _answered(self, status: bytes) -> None:
        tally = self._tally
        if tally.latencies is not None:
            tally.latencies.append(time.perf_counter() - self._sent_at)
        if status == b"200":
            tally.kept += 1
        else:
            tally.others[status.decode()] = tally.others.get(status.decode(), 0) + 1
        if tally.ending:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._send()

    def _send(self) -> None:
        tally = self._tally
        tally.sent += 1
        before, after = self._parts[tally.sent % len(self._parts)]
        self._sent_at = time.perf_counter()
        self._transport.write(b"%s%s%024x%s" % (before, self._run.encode(), tally.sent, after))


def _content_length(head: bytes) -> int:
    at = head.find(b"content-length: ")
    if at < 0:
        raise ConnectionError("an answer without a length")
    return int(head[at + 16 :].partition(b"\r")[0])


async def load(
    port: int, server_pid: int, connections: int, warm_up: float, seconds: float
) -> Loaded:
    """Load the server for `warm_up` seconds unmeasured, then for `seconds`, then let the last
    answers come. Raises ConnectionError or TimeoutError when the server doesn't hold.
    """
    loop = asyncio.get_running_loop()
    tally, parts, run = Tally(), requests(PEOPLE), os.urandom(4).hex()
    opened = await asyncio.gather(*(
        loop.create_connection(lambda: Connection(tally, parts, run), "127.0.0.1", port)
        for _ in range(connections)
    ))  # fmt: skip
    done = asyncio.gather(*(connection.done for _, connection in opened))
    await _pause(done, warm_up)
    tally.latencies = []
    server_cpu, own_cpu, began = cpu_seconds(server_pid), time.process_time(), time.perf_counter()
    await _pause(done, seconds)
    latencies, tally.latencies = tally.latencies, None
    taken = time.perf_counter() - began
    server_cpu, own_cpu = cpu_seconds(server_pid) - server_cpu, time.process_time() - own_cpu
    tally.ending = True
    await asyncio.wait_for(done, PATIENCE_SECONDS)
    latencies.sort()
    if not latencies:
        raise TimeoutError("nothing was answered")
    return Loaded(
        requests=len(latencies),
        kept=tally.kept,
        seconds=taken,
        server_cpu_seconds=server_cpu,
        own_cpu_seconds=own_cpu,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
        others=tally.others,
    )


async def _pause(done: asyncio.Future[list[None]], seconds: float) -> None:
    """Wait, or raise what broke a connection meanwhile."""
    await asyncio.wait([done], timeout=seconds)
    if done.done():
        await done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("server_pid", type=int)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    chosen = parser.parse_args()
    loaded = uvloop.run(
        load(chosen.port, chosen.server_pid, chosen.connections, chosen.warm_up, chosen.seconds)
    )
    print(json.dumps(asdict(loaded)))


if __name__ == "__main__":
    main()

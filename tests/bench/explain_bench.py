"""Milliseconds to explain a lead with 10,000 events: the real API over a real Postgres, by HTTP."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import httpx

from deploy.local import ports
from deploy.local.servers import wait_until
from deploy.local.services import away
from services.scorer.core.compiled import Ruleset
from shared.database import dsn
from shared.settings import Settings
from tests.bench.flat_bench import Partition, history, prepare
from tests.bench.stack import BenchStack

EVENTS = 10_000
EVENTS_A_BATCH = 2_500
REQUESTS = 40
WALKS = 2
DEFAULT_PAGE = "the newest 100 (what is told when nothing is asked for)"
LARGE_PAGE = "the newest 500"
MIDDLE_PAGE = "500 in the middle, by cursor"
PAST_PAGE = "the newest 100 of the day before"
WHOLE = "all of it, page by page"


@dataclass(frozen=True)
class Answered:
    """Milliseconds. request: the median, from asking to the last byte · server: the mean, within
    the process that answers.
    """

    request: float
    server: float


class Asking:
    """One caller, on one connection."""

    def __init__(self, port: int, token: str) -> None:
        self._http = httpx.Client(
            base_url=f"http://{ports.HOST}:{port}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )

    def get(self, path: str) -> dict[str, Any]:
        """A page, whose lines must be the scores. Raises RuntimeError where they aren't."""
        text = self._http.get(path).raise_for_status().text
        page: dict[str, Any] = json.loads(text, parse_float=Decimal)
        for name, model in page.get("models", {}).items():
            lines = [entry["value_now"] for entry in model["entries"]]
            lines += [line["value"] for line in model["computed"]]
            if sum(lines, Decimal(model["earlier"]) + Decimal(model["later"])) != model["score"]:
                raise RuntimeError(f"{name}: the lines of {path} are not the score")
        return page

    def timed(self, path: str, times: int) -> Answered:
        """The same request, so many times."""
        return self._measured(lambda: self._http.get(path).raise_for_status(), times)

    def walked(self, path: str) -> Answered:
        """Every page, one after the other."""

        def walk() -> None:
            cursor: str | None = ""
            while cursor is not None:
                more = f"&cursor={cursor}" if cursor else ""
                cursor = self._http.get(path + more).raise_for_status().json()["next_cursor"]

        return self._measured(walk, WALKS)

    def _measured(self, call: Callable[[], object], times: int) -> Answered:
        before, spent = self._server_seconds(), []
        for _ in range(times):
            started = time.perf_counter()
            call()
            spent.append(time.perf_counter() - started)
        server = (self._server_seconds() - before) / times
        return Answered(statistics.median(spent) * 1000, server * 1000)

    def _server_seconds(self) -> float:
        """Seconds that the server spent on explanations until now, by its own count."""
        counted = "leadscore_console_request_seconds_sum"
        return sum(
            float(line.rpartition(" ")[2])
            for line in self._http.get("/metrics").text.splitlines()
            if line.startswith(counted) and "/explain" in line
        )

    def close(self) -> None:
        self._http.close()


def measure(stack: BenchStack, rounds: int) -> Iterator[dict[str, Answered]]:
    """Score the events by the default ruleset, then ask for the explanation in several ways."""
    settings = stack.fresh_settings()
    asyncio.run(_score(settings, asyncio.run(prepare(stack, settings))))
    port = ports.choose(taken=set())
    environment = stack.environment(settings) | {"LEADSCORE_PORT": str(port)}
    child = stack.start("console", ("-m", "services.cli", "serve", "console"), environment)
    try:
        wait_until(lambda: not away(f"http://{ports.HOST}:{port}"), child, "console")
        asking = Asking(port, settings.api_token.get_secret_value())
        (lead,) = asking.get("/v1/leads")["items"]
        path = f"/v1/leads/{lead['id']}/explain"
        paths = {
            DEFAULT_PAGE: path,
            LARGE_PAGE: f"{path}?newest=500",
            MIDDLE_PAGE: f"{path}?newest=500&cursor={_middle(asking, path)}",
            PAST_PAGE: f"{path}?at={(datetime.now(UTC) - timedelta(days=1)).isoformat()[:19]}Z",
        }
        for each in paths.values():
            asking.get(each)
        for number in range(rounds):
            names = list(paths)
            names = names[number % len(names) :] + names[: number % len(names)]
            found = {name: asking.timed(paths[name], REQUESTS) for name in names}
            yield {**found, WHOLE: asking.walked(f"{path}?newest=500")}
        asking.close()
    finally:
        child.stop()


def _middle(asking: Asking, path: str) -> str:
    """The cursor behind half of the entries."""
    cursors, page = [], asking.get(f"{path}?newest=500")
    while (cursor := page["next_cursor"]) is not None:
        cursors.append(cursor)
        page = asking.get(f"{path}?newest=500&cursor={cursor}")
    found: str = cursors[len(cursors) // 2]
    return found


async def _score(settings: Settings, rules: Ruleset) -> None:
    """One lead's events of the last hundred days, taken in as from a topic."""
    connection = await asyncpg.connect(dsn(settings))
    await connection.execute(
        "INSERT INTO consumer_partition (topic, partition, cluster_id, next_offset, epoch)"
        " VALUES ('flat', 0, 'c', 0, 1)"
    )
    partition = Partition(connection, rules)
    until = datetime.now(UTC) - timedelta(minutes=1)
    events = history("long", 1, EVENTS, until, timedelta(days=100) / timedelta(seconds=EVENTS))
    for at in range(0, len(events), EVENTS_A_BATCH):
        await partition.take(events[at : at + EVENTS_A_BATCH])
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def main() -> None:
    with BenchStack() as stack:
        for found in measure(stack, 3):
            for name, one in found.items():
                print(f"{name}: {one.request:.1f} ms, in the server {one.server:.1f} ms")


if __name__ == "__main__":
    main()

"""Delivering webhooks: in order per lead and destination, nothing waiting for anything else."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from services.router import destinations
from services.router.away import AWAY_ERRORS
from services.router.metrics import DELIVERIES, DELIVERY_SECONDS
from services.router.outbound import REQUEST_SECONDS, Answer, Outbound
from services.router.outbox import Pool
from services.router.retries import read_retry_after, wait_s
from services.router.signing import signed_headers
from shared.settings import Settings

log = structlog.get_logger()

POLL_SECONDS = 0.25
AT_ONCE = 32  # requests under way per destination
# A claimed delivery is due again after this: when its router died, another one takes it up.
CLAIM_SECONDS = 4 * REQUEST_SECONDS
GONE = 410

ENABLED = "SELECT id, name, url, secret, allow_private FROM destination WHERE disabled_why IS NULL"
# The oldest waiting delivery of each lead that is due; what follows it waits for it.
CLAIM = """
WITH due AS (
    SELECT d.id FROM delivery AS d
    WHERE d.destination_id = $1 AND d.status = 'waiting' AND d.next_attempt_at <= now()
      AND NOT EXISTS (
        SELECT 1 FROM delivery AS e
        WHERE e.destination_id = d.destination_id AND e.lead_id = d.lead_id
          AND e.id < d.id AND e.status = 'waiting')
    ORDER BY d.next_attempt_at, d.id LIMIT $2 FOR UPDATE SKIP LOCKED)
UPDATE delivery SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $3)
FROM due WHERE delivery.id = due.id
RETURNING delivery.id, message_id, body, attempts
"""
# Guarded by the attempt: a router that was slow can't overwrite what a later attempt found.
FINISH = """
UPDATE delivery AS d
SET status = r.status, last_answer = r.answer,
    next_attempt_at = now() + make_interval(secs => r.wait_s),
    ended_at = CASE WHEN r.status = 'waiting' THEN NULL ELSE now() END
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::float8[])
     AS r (id, attempts, status, answer, wait_s)
WHERE d.id = r.id AND d.attempts = r.attempts AND d.status = 'waiting'
"""


@dataclass(frozen=True, slots=True)
class _Result:
    id: int
    attempts: int
    status: str  # delivered, failed, or waiting for the next attempt
    answer: str
    wait_s: float = 0.0


@dataclass(slots=True)
class Deliverer:
    """The webhooks of one process; several routers share the work by claiming rows."""

    settings: Settings
    pool: Pool
    outbound: Outbound
    _busy: dict[UUID, set[asyncio.Task[None]]] = field(default_factory=dict)
    _results: list[_Result] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until `stopping`; requests under way are finished first."""
        ending = asyncio.create_task(stopping.wait())
        try:
            while not stopping.is_set():
                self._changed.clear()
                try:
                    await self._flush()
                    await self._begin()
                except AWAY_ERRORS as error:
                    log.warning("webhooks wait for Postgres", error=type(error).__name__)
                    await asyncio.wait({ending}, timeout=1.0)
                changed = asyncio.create_task(self._changed.wait())
                await asyncio.wait(
                    {ending, changed}, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                changed.cancel()
        finally:
            ending.cancel()
            under_way = [task for tasks in self._busy.values() for task in tasks]
            if under_way:
                await asyncio.wait(under_way, timeout=REQUEST_SECONDS + 1)
            await self._flush()

    async def _begin(self) -> None:
        """Start as many due deliveries of each destination as it has room for."""
        for row in await self.pool.fetch(ENABLED):
            tasks = self._busy.setdefault(row["id"], set())
            room = AT_ONCE - len(tasks)
            if room <= 0:
                continue
            claimed = await self.pool.fetch(CLAIM, row["id"], room, CLAIM_SECONDS)
            for delivery in claimed:
                task = asyncio.create_task(self._attempt(row, delivery))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    async def _attempt(self, destination: Any, delivery: Any) -> None:
        body: bytes = delivery["body"]
        headers = signed_headers(
            destination["secret"], delivery["message_id"], int(time.time()), body
        )
        began = time.monotonic()
        answer = await self.outbound.post(
            destination["url"], destination["allow_private"], headers, body
        )
        DELIVERY_SECONDS.observe(time.monotonic() - began)
        result = judge(
            delivery["id"], delivery["attempts"], answer, self.settings.webhook_retry_scale
        )
        DELIVERIES.labels("retry" if result.status == "waiting" else result.status).inc()
        if answer.status == GONE:
            await self._disable(destination)
        if result.status != "delivered":
            log.warning(
                "webhook not taken",
                destination=destination["name"],
                delivery=delivery["id"],
                attempt=delivery["attempts"],
                answer=answer.why,
                next_in_s=round(result.wait_s) if result.status == "waiting" else None,
            )
        self._results.append(result)
        self._changed.set()

    async def _disable(self, destination: Any) -> None:
        log.warning("destination disabled: it answered 410", destination=destination["name"])
        try:
            await destinations.disable(self.pool, destination["id"], "it answered 410 Gone")
        except AWAY_ERRORS as error:
            log.warning("not disabled yet", error=type(error).__name__)  # the next 410 will

    async def _flush(self) -> None:
        """Write down what became of the attempts; kept for later while Postgres is away."""
        results = self._results[:]
        if not results:
            return
        await self.pool.execute(
            FINISH,
            [each.id for each in results],
            [each.attempts for each in results],
            [each.status for each in results],
            [each.answer for each in results],
            [each.wait_s for each in results],
        )
        del self._results[: len(results)]


def judge(delivery_id: int, attempts: int, answer: Answer, scale: float) -> _Result:
    """What an answer means: delivered, failed for good, or another attempt in so many seconds."""
    if answer.ok:
        return _Result(delivery_id, attempts, "delivered", answer.why)
    asked = read_retry_after(answer.retry_after, datetime.now(UTC))
    wait = wait_s(attempts, random.random(), scale, asked)  # noqa: S311 (spread, not secrecy)
    if wait is None or answer.status == GONE or answer.give_up:
        return _Result(delivery_id, attempts, "failed", answer.why)
    return _Result(delivery_id, attempts, "waiting", answer.why, wait)

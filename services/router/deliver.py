"""Delivering messages: in order per lead and destination, nothing waiting for anything else."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

import structlog

from services.router import delivery_rows
from services.router.away import AWAY_ERRORS
from services.router.breaker import Outcome, after
from services.router.delivery_rows import Claimed, Result
from services.router.judging import judge
from services.router.metrics import (
    CIRCUITS_OPENED,
    DELIVERIES,
    DELIVERY_SECONDS,
    DELIVERY_WAIT_SECONDS,
)
from services.router.outbox import Pool
from services.router.retries import GIVE_UP_S
from shared.outbound import destinations
from shared.outbound.channels import Channels, Outgoing
from shared.outbound.destinations import Destination
from shared.outbound.mail import SMTP_SECONDS
from shared.outbound.posting import Answer
from shared.settings import Settings

log = structlog.get_logger()

POLL_SECONDS = 0.25
# Answers that come together are noted together, and as many claimed by one statement.
GATHER_SECONDS = 0.01
GIVE_UP_EVERY_SECONDS = 60.0
AT_ONCE = 32  # attempts under way per destination
# In all; but each destination always has a few, so that those that hang can't take all there are.
IN_ALL = 256
RESERVED = 4
# A claimed delivery is due again after this: when its router died, another one takes it up.
CLAIM_SECONDS = 2 * SMTP_SECONDS
HOOK_RETRY_SECONDS = 5.0


class AtSending(Protocol):
    """The last look, at the moment of sending: what is suppressed ends, and isn't sent."""

    async def refused(self, deliveries: Sequence[Claimed]) -> dict[int, str]:
        """Why, by the delivery's id. While it can't tell it raises one of AWAY_ERRORS."""
        ...


class NothingRefused:
    """Everything may go."""

    async def refused(self, deliveries: Sequence[Claimed]) -> dict[int, str]:
        del deliveries
        return {}


@dataclass(slots=True)
class Deliverer:
    """What one process delivers; several routers share the work by claiming rows."""

    settings: Settings
    pool: Pool
    channels: Channels
    at_sending: AtSending = field(default_factory=NothingRefused)
    _busy: dict[UUID, set[asyncio.Task[None]]] = field(default_factory=lambda: defaultdict(set))
    _results: list[Result] = field(default_factory=list)
    _outcomes: list[tuple[UUID, Outcome]] = field(default_factory=list)
    # Destinations whose circuit may not be as if all was well.
    _unwell: set[UUID] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _give_up_at: float = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until `stopping`; attempts under way are finished first."""
        ending = asyncio.create_task(stopping.wait())
        try:
            while not stopping.is_set():
                self._changed.clear()
                try:
                    await self._flush()
                    await self._begin()
                    await self._give_up()
                except AWAY_ERRORS as error:
                    log.warning("deliveries wait for Postgres", error=type(error).__name__)
                    await asyncio.wait({ending}, timeout=1.0)
                changed = asyncio.create_task(self._changed.wait())
                await asyncio.wait(
                    {ending, changed}, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED
                )
                changed.cancel()
                await asyncio.sleep(GATHER_SECONDS)
        finally:
            ending.cancel()
            under_way = [task for tasks in self._busy.values() for task in tasks]
            if under_way:
                await asyncio.wait(under_way, timeout=SMTP_SECONDS + 1)
            await self._flush()

    async def _begin(self) -> None:
        """Start as many due deliveries of each destination as it has room for."""
        for destination in await delivery_rows.ready(self.pool):
            if destination.failures or destination.open_until is not None:
                self._unwell.add(destination.id)
            room = self._room(destination.id)
            if room <= 0:
                continue
            claimed = await delivery_rows.claim(self.pool, destination, room, CLAIM_SECONDS)
            for delivery in await self._allowed(claimed):
                tasks = self._busy[destination.id]
                task = asyncio.create_task(self._attempt(destination, delivery))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    def _room(self, destination: UUID) -> int:
        busy = len(self._busy[destination])
        in_all = sum(len(tasks) for tasks in self._busy.values())
        return min(AT_ONCE - busy, max(IN_ALL - in_all, RESERVED - busy))

    async def _allowed(self, claimed: list[Claimed]) -> list[Claimed]:
        """Those that may go now; the others end, or wait until somebody can tell."""
        if not claimed:
            return []
        try:
            refused = await self.at_sending.refused(claimed)
        except AWAY_ERRORS as error:
            log.warning("nobody can tell what is suppressed", error=type(error).__name__)
            self._results += [
                Result(each.id, each.attempts, "waiting", "", each.spent - 1, HOOK_RETRY_SECONDS)
                for each in claimed
            ]
            return []
        for each in claimed:
            if each.id in refused:
                DELIVERIES.labels("suppressed").inc()
                why = refused[each.id]
                self._results.append(Result(each.id, each.attempts, "suppressed", why, each.spent))
        return [each for each in claimed if each.id not in refused]

    async def _attempt(self, destination: Destination, delivery: Claimed) -> None:
        at, began = datetime.now(UTC), time.monotonic()
        if delivery.attempts == 1:
            DELIVERY_WAIT_SECONDS.observe(delivery.age_s)
        answer = await self._sent(destination, delivery)
        took = time.monotonic() - began
        DELIVERY_SECONDS.observe(took)
        verdict = judge(
            answer,
            delivery.spent,
            delivery.age_s,
            datetime.now(UTC),
            random.random(),  # noqa: S311 (spread, not secrecy)
            self.settings.webhook_retry_scale,
            delivery.is_probe,
        )
        result = Result(
            delivery.id, delivery.attempts, verdict.status, answer.why, verdict.spent,
            verdict.wait_s, at, round(took * 1000),
        )  # fmt: skip
        DELIVERIES.labels(result.outcome).inc()
        if verdict.disables:
            await self._disable(destination)
        if result.status != "delivered":
            log.warning(
                "message not taken",
                destination=destination.name,
                delivery=delivery.id,
                attempt=delivery.attempts,
                answer=answer.why,
                next_in_s=round(result.wait_s) if result.status == "waiting" else None,
            )
        self._results.append(result)
        self._outcomes.append((destination.id, verdict.outcome))
        self._changed.set()

    async def _sent(self, destination: Destination, delivery: Claimed) -> Answer:
        outgoing = Outgoing(delivery.message_id, delivery.lead_id, delivery.body)
        try:
            return await self.channels.send(destination, outgoing)
        except Exception as error:  # noqa: BLE001 - one message must not end the others
            why = type(error).__name__
            log.error("a message can't be made", delivery=delivery.id, why=why)  # noqa: TRY400
            return Answer(400, f"it can't be made into a {destination.kind} message: {why}")

    async def _disable(self, destination: Destination) -> None:
        log.warning("destination disabled: it answered 410", destination=destination.name)
        try:
            await destinations.disable(self.pool, destination.id, "it answered 410 Gone")
        except AWAY_ERRORS as error:
            log.warning("not disabled yet", error=type(error).__name__)  # the next 410 will

    async def _flush(self) -> None:
        """Write down what became of the attempts; kept for later while Postgres is away."""
        results, outcomes = self._results[:], self._outcomes[:]
        if not results:
            return
        by_destination: dict[UUID, list[Outcome]] = defaultdict(list)
        for destination, outcome in outcomes:
            by_destination[destination].append(outcome)
            if outcome.health == "broken":
                self._unwell.add(destination)
        async with self.pool.acquire() as connection, connection.transaction():
            # Circuits first: in the order of ids, before any delivery is held.
            well = await self._set_circuits(connection, by_destination)
            await delivery_rows.finish(connection, results)
        self._unwell -= well
        del self._results[: len(results)]
        del self._outcomes[: len(outcomes)]

    async def _set_circuits(
        self, connection: object, outcomes: dict[UUID, list[Outcome]]
    ) -> set[UUID]:
        """Those that are well by now. Who was well, and is, costs nothing."""
        concerned = self._unwell & outcomes.keys()
        if not concerned:
            return set()
        well = set()
        stored = await delivery_rows.circuits(connection, list(concerned))
        for destination, before in stored.items():
            now = after(before, outcomes[destination], random.random())  # noqa: S311 (spread)
            if now != before:
                scale = self.settings.webhook_retry_scale
                await delivery_rows.set_circuit(connection, destination, now, scale)
            if now.is_open and not before.is_open:
                CIRCUITS_OPENED.inc()
                log.warning("destination held: it fails again and again", id=str(destination))
            if not now.failures:
                well.add(destination)
        return well | (concerned - stored.keys())

    async def _give_up(self) -> None:
        """End what has waited for days for a destination that is held or disabled."""
        if time.monotonic() < self._give_up_at:
            return
        self._give_up_at = time.monotonic() + GIVE_UP_EVERY_SECONDS
        why = "given up: it could not be sent for three days"
        ended = await delivery_rows.give_up(self.pool, GIVE_UP_S, why)
        if ended:
            DELIVERIES.labels("failed").inc(ended)
            log.warning("deliveries given up", count=ended)

"""What the API does with destinations and deliveries: the same checks as the commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.cursors import read_cursor, write_cursor
from services.console.outbound import answers
from services.console.refusals import RefusedError
from shared.envelope import milliseconds, rfc3339
from shared.outbound import deliveries, destinations
from shared.outbound.destinations import Destination as StoredDestination
from shared.outbound.destinations import DestinationError, NoDestinationError, TakenNameError
from shared.outbound.mail import Mailer
from shared.outbound.trial import send_test


class OutboundDesk:
    """mailer: None where mails can't go out from here."""

    def __init__(
        self, engine: AsyncEngine, now_ms: Callable[[], int], mailer: Mailer | None
    ) -> None:
        self._engine = engine
        self._now_ms = now_ms
        self._mailer = mailer

    async def destinations(self) -> answers.Destinations:
        async with self._database() as database:
            found = await destinations.listed(database)
        return answers.Destinations(items=[self._told(each) for each in found])

    async def destination(self, name: str) -> answers.Destination:
        return self._told(await self._find(name))

    async def add(self, asked: answers.NewDestination) -> answers.Made:
        """Where it leads is public: private addresses are an operator's, by the command."""
        async with self._asking() as database:
            secret = await destinations.add(
                database, asked.name, asked.url, kind=asked.kind, settings=asked.settings,
                dry_run=asked.dry_run,
            )  # fmt: skip
        return answers.Made(destination=asked.name, secret=secret or None, dry_run=asked.dry_run)

    async def change(self, name: str, asked: answers.Change) -> answers.Destination:
        found = await self._find(name)
        if asked.url is not None and found.allow_private:
            raise RefusedError(
                409, "private_destination",
                "it may lead to private addresses: `leadscore destinations change` changes where",
                "body.url",
            )  # fmt: skip
        async with self._asking() as database:
            changed = await destinations.change(
                database, name, url=asked.url, settings=asked.settings, dry_run=asked.dry_run
            )
        return self._told(changed)

    async def rotate(self, name: str, asked: answers.Rotation) -> answers.Made:
        async with self._asking() as database:
            secret = await destinations.rotate(
                database, name, self._now_ms() / 1000, asked.grace_hours, dry_run=asked.dry_run
            )
        return answers.Made(destination=name, secret=secret or None, dry_run=asked.dry_run)

    async def enable(self, name: str) -> answers.Destination:
        await self._find(name)
        async with self._database() as database:
            await destinations.enable(database, name)
        return self._told(await self._find(name))

    async def disable(self, name: str, why: str) -> answers.Destination:
        if not why.isprintable():
            raise RefusedError(400, "invalid_parameter", "only printable characters", "body.why")
        found = await self._find(name)
        async with self._database() as database:
            await destinations.disable(database, found.id, why)
        return self._told(await self._find(name))

    async def remove(self, name: str) -> None:
        await self._find(name)
        async with self._database() as database:
            await destinations.remove(database, name)

    async def test(self, name: str) -> answers.Tested:
        """No connection of the pool is held while the receiver thinks."""
        answer = await send_test(await self._find(name), self._mailer)
        return answers.Tested(ok=answer.ok, answer=answer.why)

    async def deliveries(
        self, wanted: deliveries.Wanted, limit: int, cursor: str | None
    ) -> answers.Deliveries:
        before = None if cursor is None else int(read_cursor(cursor, int)[0])
        async with self._asking("query.destination") as database:
            found = await deliveries.listed(database, wanted, limit + 1, before)
        more = len(found) > limit
        return answers.Deliveries(
            items=[_delivery(each) for each in found[:limit]],
            next_cursor=write_cursor(found[limit - 1].id) if more else None,
        )

    async def delivery(self, number: int) -> answers.DeliveryWithAttempts:
        async with self._database() as database:
            found = await deliveries.find(database, number)
        if found is None:
            raise _no_delivery()
        made = [answers.Attempt(**{**asdict(each), "at": _instant(each.at)}) for each in found[1]]
        return answers.DeliveryWithAttempts(**_delivery(found[0]).model_dump(), made=made)

    async def resend(self, asked: answers.Again, since: datetime | None) -> answers.Queued:
        if asked.ids is None and asked.destination is None and since is None:
            raise RefusedError(
                400, "invalid_parameter", "say which: ids, destination or since", "body"
            )
        async with self._asking("body.destination") as database:
            queued = await deliveries.resend(
                database, ids=asked.ids, destination=asked.destination, since=since,
                statuses=asked.statuses, dry_run=asked.dry_run,
            )  # fmt: skip
        return answers.Queued(queued=queued, dry_run=asked.dry_run)

    async def resend_one(self, number: int) -> answers.Queued:
        """0 if it waits already."""
        await self.delivery(number)
        async with self._database() as database:
            queued = await deliveries.resend(database, ids=[number])
        return answers.Queued(queued=queued, dry_run=False)

    async def _find(self, name: str) -> StoredDestination:
        async with self._asking() as database:
            return await destinations.find(database, name)

    def _told(self, found: StoredDestination) -> answers.Destination:
        shown = destinations.shown(found, self._now_ms() / 1000)
        return answers.Destination(**{**shown, "created_at": _instant(found.created_at)})

    @asynccontextmanager
    async def _asking(self, named: str = "path") -> AsyncIterator[Any]:
        """The database, for what may be refused. named: where the caller names the destination."""
        with _refusing(named):
            async with self._database() as database:
                yield database

    @asynccontextmanager
    async def _database(self) -> AsyncIterator[Any]:
        """The driver's connection; each statement is its own transaction."""
        async with self._engine.connect() as connection:
            raw = await connection.get_raw_connection()
            yield raw.driver_connection


@contextmanager
def _refusing(named: str) -> Any:
    try:
        yield
    except NoDestinationError as error:
        raise RefusedError(
            404, "destination_not_found", "there is no destination of this name", named
        ) from error
    except TakenNameError as error:
        raise RefusedError(409, "destination_taken", str(error), "body") from error
    except DestinationError as error:
        raise RefusedError(400, "invalid_destination", str(error), "body") from error


def utc(moment: datetime | None, where: str) -> datetime | None:
    """Raises RefusedError for an instant that no calendar here has."""
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:
        raise RefusedError(400, "invalid_parameter", "no such instant", where) from None


def _delivery(found: deliveries.Delivery) -> answers.Delivery:
    moments = {
        name: _instant(getattr(found, name))
        for name in ("next_attempt_at", "created_at", "ended_at")
    }
    return answers.Delivery(**{**asdict(found), "lead_id": UUID(str(found.lead_id)), **moments})


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(milliseconds(moment))


def _no_delivery() -> RefusedError:
    return RefusedError(404, "delivery_not_found", "there is no such delivery (any more)", "path")

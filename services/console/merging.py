"""Joining and parting leads by hand: they are looked up, and the event is sent."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncEngine

from services.console import merge_queries, queries
from services.console.merge_answers import AcceptedMerge, Merge, Merges
from services.console.merge_orders import Asking, merge_event, unmerge_event
from services.console.order_sending import Send, acknowledged, standing_lead
from services.console.reading import existing_lead
from services.console.refusals import RefusedError
from services.console.stage_orders import OrderError
from shared.envelope import Event, rfc3339


class MergeDesk:
    """Takes orders. The scorer carries them out: the merge is then in the list of merges."""

    def __init__(
        self, engine: AsyncEngine, send: Send, now_ms: Callable[[], int], hash_key: bytes
    ) -> None:
        self._engine = engine
        self._send = send
        self._now_ms = now_ms
        self._hash_key = hash_key

    async def merge(
        self, one: UUID, other: UUID, order_id: str, actor: str, *, dry_run: bool = False
    ) -> AcceptedMerge:
        """Two leads are one person: the older known one survives. Raises RefusedError."""
        if one == other:
            raise RefusedError(400, "same_lead", "a lead is itself already", "body.with")
        async with self._engine.connect() as connection:
            for lead_id, path in ((one, "path.lead_id"), (other, "body.with")):
                await standing_lead(connection, lead_id, path)
            ones = await queries.identifiers_in_force(connection, one)
            others = await queries.identifiers_in_force(connection, other)
        try:
            event = merge_event(one, ones, other, others, self._asking(order_id, actor))
        except OrderError as error:
            raise _refused(error) from None
        return await self._sent(event, one, other, dry_run=dry_run)

    async def unmerge(
        self, absorbed: UUID, order_id: str, actor: str, *, dry_run: bool = False
    ) -> AcceptedMerge:
        """An absorbed lead stands by itself again. Raises RefusedError."""
        async with self._engine.connect() as connection:
            row = await existing_lead(connection, absorbed)
            if row.merged_into is None:
                raise RefusedError(
                    409, "not_merged", "this lead isn't part of another", "path.lead_id"
                )
            survivor = await merge_queries.survivor_of(connection, absorbed)
            assert survivor is not None
            these, those = await merge_queries.sides_of(connection, absorbed, survivor)
        try:
            asking = self._asking(order_id, actor)
            event = unmerge_event(absorbed, these, those, self._hash_key, asking)
        except OrderError as error:
            raise _refused(error) from None
        return await self._sent(event, absorbed, survivor, dry_run=dry_run)

    async def are_one(self, one: UUID, other: UUID) -> bool:
        """Whether two leads are parts of one, or one of the other, by now."""
        async with self._engine.connect() as connection:
            survivors = [
                await merge_queries.survivor_of(connection, lead_id) for lead_id in (one, other)
            ]
        return survivors[0] == survivors[1]

    async def merges(self, lead_id: UUID) -> Merges:
        """Raises RefusedError (404)."""
        async with self._engine.connect() as connection:
            await existing_lead(connection, lead_id)
            rows = await merge_queries.merges_of(connection, lead_id)
        return Merges(
            items=[
                Merge(
                    absorbed=row.absorbed,
                    survivor=row.survivor,
                    at=rfc3339(row.at_ms),
                    cause=row.cause,
                    actor=row.actor,
                    undone_at=None if row.undone_ms is None else rfc3339(row.undone_ms),
                    undone_by=row.undone_by,
                )
                for row in rows
            ]
        )

    def _asking(self, order_id: str, actor: str) -> Asking:
        return Asking(order_id, actor, self._now_ms())

    async def _sent(
        self, event: Event, lead_id: UUID, other: UUID, *, dry_run: bool
    ) -> AcceptedMerge:
        if not dry_run:
            await acknowledged(self._send(event))
        return AcceptedMerge(lead_id=lead_id, other=other, event_id=event.id)


def _refused(error: OrderError) -> RefusedError:
    status = 400 if error.field in ("id", "actor") else 409
    path = error.field if error.field.startswith("path.") else f"body.{error.field}"
    return RefusedError(status, error.code, str(error), path)

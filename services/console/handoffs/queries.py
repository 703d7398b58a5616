"""Every statement about hand-offs, named and described."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.tables import handoff, handoff_act, outbox, ruleset_version

# Who a lead is part of by now, by way of which merges whatsoever.
SURVIVOR = sa.text("""
WITH RECURSIVE way (id, next) AS (
    SELECT id, merged_into FROM lead WHERE id = :id
    UNION SELECT l.id, l.merged_into FROM lead AS l JOIN way ON l.id = way.next)
SELECT id FROM way WHERE next IS NULL
""")


@dataclass(frozen=True, slots=True)
class HandoffFilter:
    """None asks for nothing. before: (handed_ms, id), older ones only."""

    statuses: tuple[str, ...] = ()
    kind: str | None = None
    owner: str | None = None
    lead_id: UUID | None = None
    overdue_at_ms: int | None = None
    before: tuple[int, UUID] | None = None


async def listed(
    connection: AsyncConnection, which: HandoffFilter, limit: int
) -> Sequence[sa.Row[Any]]:
    """The newest first."""
    query = sa.select(handoff).order_by(handoff.c.handed_ms.desc(), handoff.c.id.desc())
    if which.statuses:
        query = query.where(handoff.c.status.in_(which.statuses))
    if which.kind is not None:
        query = query.where(handoff.c.kind == which.kind)
    if which.owner is not None:
        query = query.where(handoff.c.owner == which.owner)
    if which.lead_id is not None:
        query = query.where(handoff.c.lead_id == which.lead_id)
    if which.overdue_at_ms is not None:
        query = query.where(handoff.c.due_ms < which.overdue_at_ms, handoff.c.status == "open")
    if which.before is not None:
        query = query.where(sa.tuple_(handoff.c.handed_ms, handoff.c.id) < which.before)
    return (await connection.execute(query.limit(limit))).all()


async def one(connection: AsyncConnection, handoff_id: UUID, *, lock: bool = False) -> Any:
    """The row, None where there is none. lock: until the end of the transaction."""
    query = sa.select(handoff).where(handoff.c.id == handoff_id)
    return (await connection.execute(query.with_for_update() if lock else query)).one_or_none()


async def acts_of(connection: AsyncConnection, handoff_id: UUID) -> Sequence[sa.Row[Any]]:
    """The oldest first."""
    query = sa.select(handoff_act).where(handoff_act.c.handoff_id == handoff_id)
    return (await connection.execute(query.order_by(handoff_act.c.id))).all()


async def link_is_used(connection: AsyncConnection, link: bytes) -> bool:
    query = sa.select(sa.exists().where(handoff_act.c.link == link))
    return bool((await connection.execute(query)).scalar())


async def survivor_of(connection: AsyncConnection, lead_id: UUID) -> UUID | None:
    """The lead that this one is part of by now, itself where it is nobody's; None: erased."""
    return (await connection.execute(SURVIVOR, {"id": lead_id})).scalar()


async def note(connection: AsyncConnection, values: dict[str, Any]) -> None:
    await connection.execute(sa.insert(handoff_act).values(values))


async def change(connection: AsyncConnection, handoff_id: UUID, values: dict[str, Any]) -> None:
    await connection.execute(sa.update(handoff).where(handoff.c.id == handoff_id).values(values))


async def tell(
    connection: AsyncConnection, shard: int, lead_id: UUID, fact: dict[str, Any]
) -> None:
    """A fact for the router."""
    await connection.execute(sa.insert(outbox).values(shard=shard, lead_id=lead_id, fact=fact))


async def ruleset_source(connection: AsyncConnection, version: int) -> str | None:
    query = sa.select(ruleset_version.c.source).where(ruleset_version.c.version == version)
    return (await connection.execute(query)).scalar()

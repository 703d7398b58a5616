"""Likely duplicates as people see and decide on them."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.answers import Answer, Instant
from services.console.cursors import read_cursor, uuid_of, write_cursor
from services.console.duplicates.likeness import SIGNALS
from services.console.merge_answers import AcceptedMerge
from services.console.merging import MergeDesk
from services.console.refusals import RefusedError
from shared.envelope import milliseconds, rfc3339
from shared.tables import duplicate_pair, lead

Status = Literal["open", "dismissed", "accepted"]


class Reason(Answer):
    """What speaks for it: a signal of the table in docs/duplicates.md, in words."""

    signal: str
    words: str


class Pair(Answer):
    """Two leads that may be one person. score: 0 to 1 · decided_by: who dismissed or accepted."""

    lead_a: UUID
    lead_b: UUID
    score: float
    reasons: list[Reason]
    status: Status
    decided_by: str
    decided_at: Instant | None
    found_at: Instant


class Pairs(Answer):
    """The most likely first."""

    items: list[Pair]
    next_cursor: str | None


class DuplicateDesk:
    """Lists pairs, and takes decisions. Accepting asks for the merge."""

    def __init__(self, engine: AsyncEngine, merging: MergeDesk) -> None:
        self._engine = engine
        self._merging = merging

    async def pairs(self, status: Status, limit: int, cursor: str | None) -> Pairs:
        """Raises RefusedError for a cursor that isn't one."""
        table = duplicate_pair.c
        one, other = lead.alias(), lead.alias()
        place = (-sa.func.round(table.score * 1000), table.lead_a, table.lead_b)
        wanted = (
            sa.select(duplicate_pair)
            .join(one, one.c.id == table.lead_a)
            .join(other, other.c.id == table.lead_b)
            .where(table.status == status)
            .order_by(*place)
            .limit(limit + 1)
        )
        if status == "open":  # those that were merged since are none any more
            wanted = wanted.where(one.c.merged_into.is_(None), other.c.merged_into.is_(None))
        if cursor is not None:
            wanted = wanted.where(sa.tuple_(*place) > sa.tuple_(*_after(cursor)))
        async with self._engine.connect() as connection:
            rows = (await connection.execute(wanted)).all()
        items = [_pair(row) for row in rows[:limit]]
        last = items[-1] if len(rows) > limit else None
        following = last and write_cursor(
            round(last.score * 1000), str(last.lead_a), str(last.lead_b)
        )
        return Pairs(items=items, next_cursor=following)

    async def dismiss(self, one: UUID, other: UUID, actor: str) -> Pair:
        """They are two: not shown again unless something new speaks for it. May be refused."""
        return await self._decide(one, other, "dismissed", actor)

    async def accept(self, one: UUID, other: UUID, actor: str, order_id: str) -> AcceptedMerge:
        """They are one: the merge is asked for. Raises RefusedError."""
        await self._existing(one, other)
        accepted = await self._merging.merge(one, other, order_id, actor)
        await self._decide(one, other, "accepted", actor)
        return accepted

    async def _existing(self, one: UUID, other: UUID) -> None:
        async with self._engine.connect() as connection:
            found = await connection.scalar(
                sa.select(duplicate_pair.c.score).where(_is(one, other))
            )
        if found is None:
            raise _unknown()

    async def _decide(self, one: UUID, other: UUID, status: Status, actor: str) -> Pair:
        async with self._engine.begin() as connection:
            result = await connection.execute(
                sa.update(duplicate_pair)
                .where(_is(one, other))
                .values(status=status, decided_by=actor, decided_at=sa.func.now())
                .returning(duplicate_pair)
            )
            row = result.one_or_none()
        if row is None:
            raise _unknown()
        return _pair(row)


def _unknown() -> RefusedError:
    return RefusedError(404, "pair_not_found", "these two are not listed as likely duplicates")


def _is(one: UUID, other: UUID) -> Any:
    a, b = sorted((one, other))
    return (duplicate_pair.c.lead_a == a) & (duplicate_pair.c.lead_b == b)


def _after(cursor: str) -> tuple[Any, ...]:
    score, one, other = read_cursor(cursor, int, str, str)
    return -int(score), uuid_of(one), uuid_of(other)


def _pair(row: sa.Row[Any]) -> Pair:
    decided = row.decided_at
    return Pair(
        lead_a=row.lead_a,
        lead_b=row.lead_b,
        score=row.score,
        reasons=[
            Reason(signal=signal, words=SIGNALS[signal][1] if signal in SIGNALS else signal)
            for signal in row.reasons
        ],
        status=row.status,
        decided_by=row.decided_by,
        decided_at=None if decided is None else rfc3339(milliseconds(decided)),
        found_at=rfc3339(milliseconds(row.found_at)),
    )

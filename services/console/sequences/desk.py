"""The desk for sequences: what runs, begun and ended by hand, paused, resumed and moved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console.order_sending import standing_lead
from services.console.refusals import RefusedError
from services.console.sequences.answers import (
    Changed,
    Enrolment,
    Enrolments,
    Sequence,
    Sequences,
    SequenceStep,
)
from services.console.sequences.moving import move
from shared.envelope import rfc3339
from shared.ruleset.reading import RulesetErrors, read_ruleset
from shared.ruleset.sequences import NurtureSequence
from shared.sequence_store import enrolment_id
from shared.tables import (
    ruleset_live,
    ruleset_version,
    sequence_enrolment,
    sequence_pause,
    sequence_step,
)

Order = Literal["start", "stop", "pause", "resume", "move"]
ORDERS: tuple[Order, ...] = ("start", "stop", "pause", "resume", "move")
_live = sequence_enrolment.c.status != "ended"


class SequenceDesk:
    def __init__(self, engine: AsyncEngine, now_ms: Callable[[], int]) -> None:
        self._engine = engine
        self._now_ms = now_ms

    async def listed(self) -> Sequences:
        """Those of the live ruleset, then others that leads are still on."""
        async with self._engine.connect() as connection:
            version, written = await _live_sequences(connection)
            enrolment, step = sequence_enrolment.c, sequence_step.c
            counts = (
                await connection.execute(
                    sa.select(
                        enrolment.sequence, enrolment.status, enrolment.why,
                        (enrolment.version != version).label("older"), sa.func.count().label("n"),
                    ).group_by(enrolment.sequence, enrolment.status, enrolment.why, "older")
                )
            ).all()  # fmt: skip
            steps = (
                await connection.execute(
                    sa.select(
                        step.sequence, step.step_id, step.sent, step.why, sa.func.count().label("n")
                    ).group_by(step.sequence, step.step_id, step.sent, step.why)
                )
            ).all()
            paused: dict[str, int] = {
                row.sequence: row.since_ms
                for row in await connection.execute(sa.select(sequence_pause))
            }
        others = {row.sequence for row in counts if row.status != "ended"} - set(written)
        return Sequences(
            items=[
                _sequence(name, written.get(name), counts, steps, paused.get(name))
                for name in [*written, *sorted(others)]
            ]
        )

    async def one(self, name: str) -> Sequence:
        """Raises RefusedError."""
        found = next((each for each in (await self.listed()).items if each.id == name), None)
        if found is None:
            raise RefusedError(404, "sequence_not_found", "there is no such sequence", "path.name")
        return found

    async def of_lead(self, lead_id: UUID) -> Enrolments:
        """The newest first. Raises RefusedError."""
        async with self._engine.connect() as connection:
            await standing_lead(connection, lead_id)
            rows = await connection.execute(
                sa.select(sequence_enrolment)
                .where(sequence_enrolment.c.lead_id == lead_id)
                .order_by(sequence_enrolment.c.entered_ms.desc())
                .limit(500)
            )
            return Enrolments(lead_id=lead_id, items=[_enrolment(row) for row in rows])

    async def take(
        self, order: Order, name: str, lead_id: UUID | None, actor: str, *, dry_run: bool = False
    ) -> Changed:
        """Carry an order out; how many leads it changed. Raises RefusedError."""
        now_ms = self._now_ms()
        async with self._engine.connect() as connection:
            version, written = await _live_sequences(connection)
            if name not in written and order in {"start", "move"}:
                there = ", ".join(written) or "none"
                message = f"the live ruleset has no sequence {name}; there are: {there}"
                raise RefusedError(404, "sequence_not_found", message, "path.name")
            if lead_id is not None:
                await standing_lead(connection, lead_id, "body.lead_id")
            elif order in {"start", "stop"}:
                raise RefusedError(400, "lead_missing", f"{order} needs a lead", "body.lead_id")
            changed = await self._carry_out(
                connection, order, name, lead_id, actor, version, written.get(name), now_ms
            )
            if dry_run:
                await connection.rollback()
            else:
                await connection.commit()
        return Changed(changed=changed)

    async def _carry_out(
        self,
        connection: AsyncConnection,
        order: Order,
        name: str,
        lead_id: UUID | None,
        actor: str,
        version: int,
        written: NurtureSequence | None,
        now_ms: int,
    ) -> int:
        table, column = sequence_enrolment, sequence_enrolment.c
        mine = sa.and_(column.sequence == name, _live)
        if lead_id is not None:
            mine = sa.and_(mine, column.lead_id == lead_id)
        if order == "start":
            return await _start(connection, name, lead_id, version, now_ms)
        if order == "stop":
            ended = {"status": "ended", "ended_ms": now_ms, "due_ms": None, "why": "by hand"}
            return await _count(connection, sa.update(table).where(mine).values(ended))
        if order == "move":
            assert written is not None  # others were refused
            return await move(connection, mine, name, version, written, now_ms)
        if lead_id is None:
            return await _pause_all(connection, order, name, actor, now_ms)
        was, now = ("running", "paused") if order == "pause" else ("paused", "running")
        statuses = [was, "entered"] if order == "pause" else [was]
        values: dict[str, Any] = {"status": now}
        if order == "resume":
            values["due_ms"] = now_ms
            values["status"] = sa.case((column.started_ms.is_(None), "entered"), else_="running")
        statement = sa.update(table).where(mine, column.status.in_(statuses)).values(values)
        return await _count(connection, statement)


async def _start(
    connection: AsyncConnection, name: str, lead_id: UUID | None, version: int, now_ms: int
) -> int:
    values = {
        "id": enrolment_id(str(lead_id), name, f"by hand {now_ms}"), "lead_id": lead_id,
        "sequence": name, "version": version, "status": "entered", "entered_ms": now_ms,
        "due_ms": now_ms,
    }  # fmt: skip
    return await _count(
        connection, insert(sequence_enrolment).values(values).on_conflict_do_nothing()
    )


async def _pause_all(
    connection: AsyncConnection, order: Order, name: str, actor: str, now_ms: int
) -> int:
    """A row says that the sequence rests; how many leads are on it."""
    if order == "pause":
        values = {"sequence": name, "since_ms": now_ms, "actor": actor}
        await connection.execute(insert(sequence_pause).values(values).on_conflict_do_nothing())
    else:
        await connection.execute(sa.delete(sequence_pause).where(sequence_pause.c.sequence == name))
    query = sa.select(sa.func.count()).where(sequence_enrolment.c.sequence == name, _live)
    return int((await connection.execute(query)).scalar() or 0)


async def _count(connection: AsyncConnection, statement: Any) -> int:
    return int((await connection.execute(statement)).rowcount)


async def _live_sequences(
    connection: AsyncConnection,
) -> tuple[int, dict[str, NurtureSequence]]:
    """The live version, and its sequences. Raises RefusedError where none is live."""
    row = (
        await connection.execute(
            sa.select(ruleset_version.c.version, ruleset_version.c.source).join(
                ruleset_live, ruleset_live.c.version == ruleset_version.c.version
            )
        )
    ).one_or_none()
    if row is None:
        raise RefusedError(409, "no_ruleset", "no ruleset is live: publish one first")
    try:
        return row.version, dict(read_ruleset(row.source).sequences)
    except RulesetErrors:
        return row.version, {}


def _sequence(
    name: str,
    written: NurtureSequence | None,
    counts: Any,
    steps: Any,
    paused_ms: int | None,
) -> Sequence:
    mine = [row for row in counts if row.sequence == name]
    running: dict[str, int] = {}
    ended: dict[str, int] = {}
    for row in mine:
        where, key = (ended, row.why) if row.status == "ended" else (running, row.status)
        where[key] = where.get(key, 0) + row.n
    told = [row for row in steps if row.sequence == name]
    return Sequence(
        id=name,
        title=written.title if written is not None else "",
        channel=written.channel if written is not None else "email",
        purpose=written.purpose if written is not None else "nurture",
        paused_since=None if paused_ms is None else rfc3339(paused_ms),
        running=running,
        ended=ended,
        older_versions=sum(row.n for row in mine if row.older and row.status != "ended"),
        steps=[
            SequenceStep(
                id=step.id,
                title=step.title,
                day=step.day,
                sent=sum(row.n for row in told if row.step_id == step.id and row.sent),
                left_out={
                    row.why: row.n for row in told if row.step_id == step.id and not row.sent
                },
            )
            for step in (written.steps if written is not None else ())
        ],
    )


def _enrolment(row: Any) -> Enrolment:
    live = row.status != "ended"
    return Enrolment(
        id=row.id,
        sequence=row.sequence,
        ruleset_version=row.version,
        arm=row.arm,
        status=row.status,
        entered_at=rfc3339(row.entered_ms),
        started_at=None if row.started_ms is None else rfc3339(row.started_ms),
        next_step=row.next_step + 1 if live else None,
        due_at=None if row.due_ms is None or not live else rfc3339(row.due_ms),
        ended_at=None if row.ended_ms is None else rfc3339(row.ended_ms),
        why=row.why,
    )

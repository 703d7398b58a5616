"""Leads on a sequence go on with the live version of it, at the step that comes next for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.ruleset.reading import RulesetErrors, read_ruleset
from shared.ruleset.sequences import NurtureSequence
from shared.tables import ruleset_version, sequence_enrolment, sequence_step

MOVE = sa.text("""
UPDATE sequence_enrolment AS e
SET version = :version, next_step = w.step, due_ms = :now_ms,
    planned_ms = CASE WHEN e.started_ms IS NULL THEN e.planned_ms END
FROM unnest(CAST(:ids AS uuid[]), CAST(:steps AS int[])) AS w (id, step) WHERE e.id = w.id
""")


async def move(
    connection: AsyncConnection,
    which: sa.ColumnElement[bool],
    name: str,
    version: int,
    written: NurtureSequence,
    now_ms: int,
) -> int:
    """Move those of `which` that run under another version; how many. Those for whom nothing is
    left in the live version finish the one that they began. The clock plans the step anew.
    """
    table = sequence_enrolment
    rows = (
        await connection.execute(
            sa.select(table.c.id, table.c.version, table.c.next_step)
            .where(which, table.c.version != version)
            .with_for_update()
        )
    ).all()
    ids = [row.id for row in rows]
    olds = await _written(connection, {row.version for row in rows}, name)
    done = await _done(connection, ids)
    steps = [
        step_after_move(olds.get(row.version), written, row.next_step, done.get(row.id, ()))
        for row in rows
    ]
    moved = [(key, step) for key, step in zip(ids, steps, strict=True) if step is not None]
    if moved:
        await connection.execute(MOVE, {
            "version": version, "now_ms": now_ms,
            "ids": [key for key, _ in moved], "steps": [step for _, step in moved],
        })  # fmt: skip
    return len(moved)


def step_after_move(
    old: NurtureSequence | None, new: NurtureSequence, number: int, done: Collection[str]
) -> int | None:
    """The place in `new` of the step that comes next, None where none is left. old: the version it
    runs under, None where that can't be read · number: the next step's place in it · done: the ids
    of steps that are over.

    The first after those that are over; where `new` has none of them, the same step as it would
    have been, else the first of a later day than the last that is over.
    """
    over = [place for place, step in enumerate(new.steps) if step.id in done]
    if over:
        place = over[-1] + 1
    elif old is None:
        place = number
    elif number < len(old.steps) and (same := _place_of(new, old.steps[number].id)) is not None:
        place = same
    else:
        since = old.steps[number - 1].day if number else -1
        place = next(
            (place for place, step in enumerate(new.steps) if step.day > since), len(new.steps)
        )
    return place if place < len(new.steps) else None


def _place_of(sequence: NurtureSequence, step_id: str) -> int | None:
    return next((place for place, one in enumerate(sequence.steps) if one.id == step_id), None)


async def _written(
    connection: AsyncConnection, versions: Collection[int], name: str
) -> dict[int, NurtureSequence]:
    """The sequence as each version has it, where that can be read."""
    query = sa.select(ruleset_version.c.version, ruleset_version.c.source)
    found: dict[int, NurtureSequence] = {}
    for row in await connection.execute(query.where(ruleset_version.c.version.in_(versions))):
        try:
            sequences = read_ruleset(row.source).sequences
        except RulesetErrors:
            continue
        if name in sequences:
            found[row.version] = sequences[name]
    return found


async def _done(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, set[str]]:
    """The steps of each enrolment that are over: sent, or left out."""
    query = sa.select(sequence_step.c.enrolment_id, sequence_step.c.step_id).where(
        sequence_step.c.enrolment_id == sa.any_(sa.bindparam("ids", ids, sa.ARRAY(sa.UUID())))
    )
    found: dict[UUID, set[str]] = {}
    for row in await connection.execute(query):
        found.setdefault(row.enrolment_id, set()).add(row.step_id)
    return found

"""Audits in Postgres: how far one is, and what it found so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.scorer.audit import queries
from services.scorer.audit.examiner import Finding

BEFORE_ALL = UUID(int=0)


class NoRunError(Exception):
    """There is no audit to go on with, or nothing to audit by. The message says which."""


@dataclass(slots=True)
class Run:
    """One audit. position: the id of the last lead that was checked · last_lead: of the last one to
    check, None when there are none · leads: how many there were when it began · differing: those
    that did, repaired ones included.
    """

    id: int
    position: UUID
    last_lead: UUID | None
    leads: int
    checked: int
    differing: int
    repaired: int

    def take(self, position: UUID, checked: int, findings: Sequence[Finding]) -> None:
        """Count a chunk that was examined, and move on behind it."""
        self.position = position
        self.checked += checked
        self.differing += len(findings)
        self.repaired += sum(finding.is_mended for finding in findings)

    @property
    def differs_still(self) -> int:
        return self.differing - self.repaired

    @property
    def is_through(self) -> bool:
        return self.last_lead is None or self.position >= self.last_lead


async def begin(connection: Any) -> Run:
    """A new audit of all leads there are now. Raises NoRunError while no ruleset is live."""
    row = await connection.fetchrow(queries.BEGIN_RUN)
    if row is None:
        raise NoRunError("no ruleset is live: publish one by `leadscore rules publish FILE`")
    return await _held(connection, row)


async def resume(connection: Any) -> Run:
    """The newest audit that was not finished. Raises NoRunError when there is none, or when
    another process is at it.
    """
    row = await connection.fetchrow(queries.UNFINISHED_RUN)
    if row is None:
        raise NoRunError("no audit was interrupted: there is nothing to resume")
    return await _held(connection, row)


async def _held(connection: Any, row: Any) -> Run:
    run = Run(**{**row, "position": row["position"] or BEFORE_ALL})
    if not await connection.fetchval(queries.HOLD_RUN, run.id):
        raise NoRunError("another process is at this audit")
    return run


async def note(connection: Any, run: Run) -> None:
    """Keep how far it is; the last time, that it is finished."""
    await connection.execute(
        queries.NOTE_RUN, run.id, run.position, run.checked, run.differing, run.repaired,
        run.is_through,
    )  # fmt: skip

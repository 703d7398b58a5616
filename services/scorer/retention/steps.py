"""One step of a sweep through a class of data: what it is given, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.scorer.retention import queries

LEADS_A_LOOK = 500
LEADS_A_STEP = 100
EVENTS_A_STEP = 2_000
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Sweep:
    """Where a sweep stands: what is not newer than until_ms goes, and what is not newer than
    since_ms went before. position: where the last step ended, "" at the beginning.
    """

    until_ms: int
    since_ms: int = -1
    position: str = ""

    @property
    def after(self) -> UUID:
        """The lead that the last step ended with."""
        return UUID(self.position) if self.position else NOBODY


@dataclass(frozen=True, slots=True)
class Step:
    """position: where it ended · looked: at so many leads or rows · gone: rows · ended: the sweep
    is through · waits: not now; the same again later.
    """

    position: str = ""
    looked: int = 0
    gone: int = 0
    ended: bool = False
    waits: bool = False


async def leads_with_events(
    connection: Any, sweep: Sweep, since_ms: int
) -> tuple[list[UUID], Step]:
    """The next leads that have events to look at, as many as a step may see to, and the step."""
    rows = await connection.fetch(
        queries.LEADS_WITH_EVENTS, sweep.after, since_ms, sweep.until_ms, LEADS_A_LOOK,
        EVENTS_A_STEP,
    )  # fmt: skip
    found: list[UUID] = []
    looked = events = 0
    for lead_id, count in rows:
        if found and count and (events + count > EVENTS_A_STEP or len(found) == LEADS_A_STEP):
            break
        looked, events = looked + 1, events + count
        if count:
            found.append(lead_id)
    position = str(rows[looked - 1][0]) if rows else sweep.position
    return found, Step(position, looked, ended=looked == len(rows) < LEADS_A_LOOK)


def deleted(status: str) -> int:
    """How many rows a DELETE says it took."""
    return int(status.rpartition(" ")[2])

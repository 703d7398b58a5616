"""The clock of hand-offs to sales: reminds, tells others, gives a lead to somebody else, and wakes
what was put off. What falls due is written with the new state in one transaction, so each level is
told once, whenever a router dies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog

from services.router.away import AWAY_ERRORS
from services.router.handing import clock_of
from services.router.messages import HandoffOverdue, Who
from services.router.metrics import HANDOFF_LEVELS, HANDOFFS_UNREADABLE
from services.router.outbox import Pool
from services.router.owning import Wanted, give_within
from services.router.ruleset_words import Rulesets, RulesetWords
from services.router.stored_events import DATA_ERRORS
from services.router.who import who_is
from shared.envelope import rfc3339
from shared.facts import Announcement
from shared.ids import shard_of
from shared.lead_state import decode_scores

log = structlog.get_logger()

LOOK_SECONDS = 1.0
AT_ONCE = 100
UNREADABLE_MS = 3_600_000

# With what is known of the lead by now: of one that was merged, of the lead that it is part of.
DUE = """
SELECT h.id, h.lead_id, h.journey, h.stage, h.episode, h.ruleset_version, h.status, h.owner,
       h.handed_ms, h.due_ms, h.clock::text AS clock, h.clock_ms, l.id AS person, l.scores,
       l.ruleset_version AS lead_version, l.known,
       ARRAY(SELECT reason FROM handoff_act a WHERE a.handoff_id = h.id AND act = 'reassign')
         AS had_it
FROM handoff AS h CROSS JOIN LATERAL (
    WITH RECURSIVE way (id, next) AS (
        SELECT id, merged_into FROM lead WHERE id = h.lead_id
        UNION SELECT m.id, m.merged_into FROM way JOIN lead AS m ON m.id = way.next)
    SELECT lead.* FROM way JOIN lead ON lead.id = way.id WHERE way.next IS NULL) AS l
WHERE h.clock_ms <= $1 ORDER BY h.clock_ms LIMIT $2 FOR UPDATE OF h SKIP LOCKED
"""
IDENTIFIERS = "SELECT DISTINCT kind, value FROM identifier WHERE lead_id = $1 ORDER BY 1, 2"
SET = """
UPDATE handoff SET status = $2, status_ms = coalesce($3, status_ms), owner = $4, due_ms = $5,
       clock = $6::jsonb, clock_ms = $7, until_ms = NULL
WHERE id = $1
"""
PUT_OFF = "UPDATE handoff SET clock_ms = $2 WHERE id = $1"
NOTE = """
INSERT INTO handoff_act (handoff_id, lead_id, at_ms, act, via, actor, reason)
VALUES ($1, $2, $3, $4, 'clock', '', $5)
"""
TELL = "INSERT INTO outbox (shard, lead_id, fact) VALUES ($1, $2, $3::jsonb)"

_Clock = list[tuple[str, int]]
_clock_decoder = msgspec.json.Decoder(_Clock)


@dataclass(slots=True)
class SalesClock:
    """now_ms: the clock, which a test may move · shards: of the outbox."""

    pool: Pool
    rulesets: Rulesets
    shards: int
    public_url: str
    now_ms: Callable[[], int]

    async def run(self, stopping: asyncio.Event) -> None:
        """Look every second until `stopping`."""
        while not stopping.is_set():
            try:
                while await self.act():
                    pass
            except AWAY_ERRORS as error:
                log.warning("the clock of hand-offs waits", error=type(error).__name__)
            try:
                await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def act(self) -> int:
        """Deal with what is due, up to AT_ONCE hand-offs; how many there were."""
        now_ms = self.now_ms()
        async with self.pool.acquire() as connection, connection.transaction():
            due = await connection.fetch(DUE, now_ms, AT_ONCE)
            for row in due:
                try:
                    async with connection.transaction():
                        await self._strike(connection, row, now_ms)
                except DATA_ERRORS as error:
                    # Others go on; this one is looked at again when somebody may have mended it.
                    HANDOFFS_UNREADABLE.inc()
                    log.warning("a hand-off's clock can't be read, it waits",
                                handoff=str(row["id"]), why=type(error).__name__)  # fmt: skip
                    await connection.execute(PUT_OFF, row["id"], now_ms + UNREADABLE_MS)
        return len(due)

    async def _strike(self, connection: Any, row: asyncpg.Record, now_ms: int) -> None:
        """Raises DATA_ERRORS where what is stored can't be read."""
        words = await self.rulesets.words(row["lead_version"])
        if row["status"] == "snoozed":
            await self._wake(connection, row, words, now_ms)
        elif row["status"] == "open":
            await self._level(connection, row, words, now_ms)
        else:
            await self._set(connection, row, row["status"], row["owner"], [])

    async def _wake(
        self, connection: Any, row: asyncpg.Record, words: RulesetWords, now_ms: int
    ) -> None:
        """What was put off is open again, and its clock begins anew."""
        due_ms, clock = clock_of(words.sales, now_ms)
        await self._tell(connection, row, "woken", row["clock_ms"], due_ms, row["owner"], None)
        await self._set(connection, row, "open", row["owner"], clock, due_ms, now_ms)

    async def _level(
        self, connection: Any, row: asyncpg.Record, words: RulesetWords, now_ms: int
    ) -> None:
        (level, at_ms), *rest = _clock_decoder.decode(row["clock"])
        owner, due_ms = row["owner"], row["due_ms"]
        if level == "reassign":
            owner = await self._other(connection, row, words, now_ms)
            if owner == row["owner"]:  # there is nobody else
                await self._set(connection, row, "open", owner, rest, due_ms)
                return
            due_ms, rest = clock_of(words.sales, now_ms)
            await connection.execute(
                NOTE, row["id"], row["lead_id"], now_ms, "reassign", row["owner"] or ""
            )
        await self._tell(connection, row, level, at_ms, due_ms, owner, row["owner"])
        await self._set(connection, row, "open", owner, rest, due_ms)

    async def _other(
        self, connection: Any, row: asyncpg.Record, words: RulesetWords, now_ms: int
    ) -> str | None:
        """Somebody who hasn't had this hand-off; else whose it is."""
        mine: str | None = row["owner"]
        if words.team is None:
            return mine
        but = [name for name in (*row["had_it"], mine) if name]
        lead = str(row["lead_id"])
        wanted = Wanted(lead, decode_scores(row["scores"]), words.team, now_ms, but)
        return (await give_within(connection, [wanted])).get(lead) or mine

    async def _set(
        self,
        connection: Any,
        row: asyncpg.Record,
        status: str,
        owner: str | None,
        clock: _Clock,
        due_ms: int | None = None,
        since_ms: int | None = None,
    ) -> None:
        await connection.execute(
            SET,
            row["id"],
            status,
            since_ms,
            owner,
            due_ms,
            msgspec.json.encode(clock).decode(),
            clock[0][1] if clock else None,
        )

    async def _who(self, connection: Any, row: asyncpg.Record) -> Who:
        names = [
            (each["kind"], each["value"])
            for each in await connection.fetch(IDENTIFIERS, row["person"])
        ]
        return who_is(row["known"], names, decode_scores(row["scores"]).traits, "sales")

    async def _tell(
        self,
        connection: Any,
        row: asyncpg.Record,
        level: Any,
        at_ms: int,
        due_ms: int | None,
        owner: str | None,
        former: str | None,
    ) -> None:
        lead: UUID = UUID(str(row["lead_id"]))
        told = HandoffOverdue(
            lead_id=str(lead),
            handoff_id=str(row["id"]),
            level=level,
            at=rfc3339(at_ms),
            journey=row["journey"],
            stage=row["stage"],
            episode=row["episode"],
            owner=owner,
            former_owner=former if former != owner else None,
            handed_at=rfc3339(row["handed_ms"]),
            due_at=None if due_ms is None else rfc3339(due_ms),
            who=await self._who(connection, row),
            link=f"{self.public_url.rstrip('/')}/v1/handoffs/{row['id']}"
            if self.public_url
            else None,
        )
        fact = Announcement(
            lead_id=str(lead),
            message="handoff-overdue",
            key=f"{row['id']}/{level}/{at_ms}",
            at_ms=at_ms,
            data=told.model_dump(),
        )
        await connection.execute(
            TELL, shard_of(lead, self.shards), lead, msgspec.json.encode(fact).decode()
        )
        HANDOFF_LEVELS.labels(level).inc()

"""The clock of sequences: takes what is due, decides, and writes what became of it with the message
that says so, in one transaction. So a step goes out once, whenever a router dies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import msgspec
import structlog

from services.router.away import AWAY_ERRORS
from services.router.interests import interests_of, names_of
from services.router.lead_rows import EVENTS_MAX
from services.router.metrics import ENROLMENTS_UNREADABLE, SEQUENCE_STEPS, SEQUENCES_ENDED
from services.router.outbox import Pool
from services.router.ruleset_words import Rulesets, RulesetWords
from services.router.sequences import queries
from services.router.sequences.deciding import (
    Decision,
    Definition,
    End,
    Enrolment,
    Start,
    Step,
    View,
    Wait,
    arm_kept,
    decide_enrolment,
)
from services.router.sequences.telling import announcement_of, unaddressed
from services.router.standings import receiver_on
from services.router.stored_events import DATA_ERRORS, readable_event
from services.router.suppression import Standing, why_not
from services.scorer.core.by_time import scored_until_ms
from services.scorer.core.fold import fold_scores, new_state, position
from services.scorer.core.standing import score_at
from shared.envelope import Event
from shared.identity import Identifier
from shared.ids import shard_of
from shared.lead_state import ScoreState, decode_journeys, decode_scores
from shared.ruleset.sequences import Channel
from shared.sales_activity import sales_active

log = structlog.get_logger()

LOOK_SECONDS = 1.0
AT_ONCE = 500
UNREADABLE_MS = 3_600_000
# How far back steps are counted for caps, at least.
_NO_CAP_MS = 86_400_000


@dataclass(slots=True)
class _Batch:
    """Rows to write."""

    enrolments: list[dict[str, Any]] = field(default_factory=list)
    steps: list[tuple[Any, ...]] = field(default_factory=list)
    facts: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is asked for all enrolments of a look at once, by lead. working: sales is · ended_ms: by
    sequence, too.
    """

    identifiers: Mapping[str, list[Identifier]]
    working: Collection[str]
    sent_ms: dict[str, list[int]]
    ended_ms: Mapping[tuple[str, str], int]


@dataclass(slots=True)
class SequenceClock:
    """now_ms: the clock, which a test may move · shards: of the outbox."""

    pool: Pool
    rulesets: Rulesets
    shards: int
    now_ms: Callable[[], int]

    async def run(self, stopping: asyncio.Event) -> None:
        """Look every second until `stopping`."""
        while not stopping.is_set():
            try:
                while await self.act() == AT_ONCE:
                    pass
            except AWAY_ERRORS as error:
                log.warning("sequences wait", error=type(error).__name__)
            try:
                await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)
            except TimeoutError:
                continue

    async def act(self) -> int:
        """Deal with what is due, up to AT_ONCE enrolments; how many there were. One router at a
        time: caps count over all of a lead's sequences.
        """
        now_ms = self.now_ms()
        async with self.pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(queries.OWN):
                return 0
            due = await connection.fetch(queries.DUE, now_ms, AT_ONCE)
            if not due:
                return 0
            await self._move_merged(connection, [row for row in due if row["merged_into"]], now_ms)
            rows = [row for row in due if not row["merged_into"]]
            batch = await self._decided(connection, rows, now_ms)
            await _write(connection, batch)
        return len(due)

    async def _decided(
        self, connection: Any, rows: Sequence[asyncpg.Record], now_ms: int
    ) -> _Batch:
        definitions = [await self._definition(row) for row in rows]
        longest_ms = max(
            (cap.within for one in definitions if one for cap in one.limits.caps),
            default=_NO_CAP_MS,
        )
        known = await _known(connection, rows, now_ms - longest_ms)
        batch = _Batch()
        for row, definition in zip(rows, definitions, strict=True):
            try:
                enrolment, decision = await self._look(connection, row, definition, known, now_ms)
            except DATA_ERRORS as error:
                # Others go on; this one is looked at again when somebody may have mended it.
                ENROLMENTS_UNREADABLE.inc()
                log.warning("an enrolment can't be read, it waits", enrolment=str(row["id"]),
                          why=type(error).__name__)  # fmt: skip
                enrolment, decision = None, Wait(now_ms + UNREADABLE_MS)
            arm = row["arm"] if enrolment is None else enrolment.arm
            lead = str(row["lead_id"])
            self._note(
                batch, {**row, "arm": arm}, definition, decision,
                known.identifiers.get(lead, ()), known.sent_ms.setdefault(lead, []), now_ms,
            )  # fmt: skip
        return batch

    async def _look(
        self,
        connection: Any,
        row: asyncpg.Record,
        definition: Definition | None,
        known: _Known,
        now_ms: int,
    ) -> tuple[Enrolment | None, Decision]:
        """One enrolment. Raises DATA_ERRORS where what is stored of its lead can't be read."""
        if definition is None:
            return None, End("the sequence can't be read")
        lead = str(row["lead_id"])
        who = known.identifiers.get(lead, [])
        words = await self.rulesets.words(row["lead_version"])
        state = decode_scores(row["scores"])
        refused = _refused(definition, words, state, row["stage"], who, now_ms)
        if row["lead_version"] != row["version"]:
            state = await self._under(connection, lead, row["version"], state)
        view = View(
            state,
            {one.name: one.stage for one in decode_journeys(row["journeys"])},
            refused,
            unaddressed(who),
            await self._scores(row, definition, state, now_ms),
            await self._interests(connection, row, definition, now_ms),
            lead in known.working,
            tuple(known.sent_ms.get(lead, ())),
        )
        enrolment = Enrolment(
            lead, row["entered_ms"], row["started_ms"], row["next_step"], row["planned_ms"],
            arm_kept(definition.written, definition.name, lead, row["arm"]),
            known.ended_ms.get((lead, row["sequence"])),
        )  # fmt: skip
        try:
            return enrolment, decide_enrolment(definition, enrolment, view, now_ms)
        except ValueError as error:  # hours and caps that leave no time in a year
            log.warning("no time for a step", sequence=definition.name, why=str(error))
            return enrolment, End("no time for it")

    def _note(
        self,
        batch: _Batch,
        row: Mapping[str, Any],
        definition: Definition | None,
        decision: Decision,
        who: Sequence[Identifier],
        sent_ms: list[int],
        now_ms: int,
    ) -> None:
        """Turn a decision into rows; sent_ms gets what goes out now."""
        change: dict[str, Any] = {
            "id": str(row["id"]), "status": "running", "arm": row["arm"],
            "started_ms": row["started_ms"], "next_step": row["next_step"],
            "planned_ms": row["planned_ms"], "due_ms": None, "ended_ms": None, "why": "",
        }  # fmt: skip
        match decision:
            case Start(arm, planned_ms, due_ms):
                change |= {"arm": arm, "started_ms": now_ms, "planned_ms": planned_ms}
                change["due_ms"] = due_ms
            case Wait(due_ms):
                change["due_ms"] = due_ms
            case End(why):
                change |= {"status": "ended", "ended_ms": now_ms, "why": why}
                SEQUENCES_ENDED.labels(why).inc()
            case Step():
                assert definition is not None
                step = self._sent(batch, row, definition, decision, who, sent_ms, now_ms)
                change |= {
                    "next_step": row["next_step"] + 1,
                    "planned_ms": step.next_planned_ms,
                    "due_ms": step.next_due_ms,
                }
                if step.next_due_ms is None:
                    change |= {"status": "ended", "ended_ms": now_ms, "why": "completed"}
                    SEQUENCES_ENDED.labels("completed").inc()
        batch.enrolments.append(change)

    def _sent(
        self,
        batch: _Batch,
        row: Mapping[str, Any],
        definition: Definition,
        step: Step,
        who: Sequence[Identifier],
        sent_ms: list[int],
        now_ms: int,
    ) -> Step:
        content = step.choice.content.id if step.choice is not None else ""
        batch.steps.append((
            row["id"], row["next_step"], row["lead_id"], definition.name, step.step.id, now_ms,
            step.choice is not None, step.why, content,
        ))  # fmt: skip
        SEQUENCE_STEPS.labels("sent" if step.choice is not None else "left out").inc()
        if step.choice is not None:
            sent_ms.append(now_ms)
            fact = announcement_of(row, definition, step, who, now_ms)
            encoded = msgspec.json.encode(fact).decode()
            batch.facts.append((shard_of(row["lead_id"], self.shards), row["lead_id"], encoded))
        return step

    async def _definition(self, row: asyncpg.Record) -> Definition | None:
        """The sequence as it was when the lead began it."""
        return (await self.rulesets.words(row["version"])).sequences.get(row["sequence"])

    async def _scores(
        self, row: asyncpg.Record, definition: Definition, state: ScoreState, now_ms: int
    ) -> dict[str, float]:
        """Of the models that the next step asks for."""
        asked = definition.models_asked(row["next_step"])
        core = (await self.rulesets.words(row["version"])).core if asked else None
        if core is None:
            return {}
        at_ms = max(now_ms, scored_until_ms(state))
        return {name: score_at(core, state, name, at_ms) for name in asked}

    async def _interests(
        self, connection: Any, row: asyncpg.Record, definition: Definition, now_ms: int
    ) -> set[str]:
        """In small letters, where the next step asks for them: what packets tell of the lead."""
        if not definition.asks_interests(row["next_step"]):
            return set()
        bodies = await connection.fetch(queries.NEWEST, row["lead_id"], EVENTS_MAX)
        return {name.casefold() for name in names_of(interests_of(_events(bodies), now_ms))}

    async def _under(
        self, connection: Any, lead_id: str, version: int, state: ScoreState
    ) -> ScoreState:
        """The lead's state under an older version, whose conditions count other things: its stored
        events are folded again.
        """
        core = (await self.rulesets.words(version)).core
        if core is None:
            return state
        bodies = await connection.fetch(queries.EVENTS, lead_id)
        return fold_scores(core, new_state(), sorted(_events(bodies), key=position)).state

    async def _move_merged(
        self, connection: Any, rows: Sequence[asyncpg.Record], now_ms: int
    ) -> None:
        """Who was merged goes on as the lead that lives on, unless that is on it, too."""
        for row in rows:
            moved = await connection.fetchval(queries.MOVE, row["id"], row["merged_into"])
            if moved:
                await connection.execute(queries.MOVE_STEPS, row["id"], row["merged_into"])
            else:
                await connection.execute(queries.END, row["id"], now_ms, "merged")


async def _known(connection: Any, rows: Sequence[asyncpg.Record], since_ms: int) -> _Known:
    leads = list({str(row["lead_id"]) for row in rows})
    identifiers: dict[str, list[Identifier]] = {}
    for row in await connection.fetch(queries.IDENTIFIERS, leads):
        identifiers.setdefault(row["lead_id"], []).append((row["kind"], row["value"]))
    sent_ms: dict[str, list[int]] = {}
    for row in await connection.fetch(queries.SENT, leads, since_ms):
        sent_ms.setdefault(row["lead_id"], []).append(row["at_ms"])
    ended_ms = {
        (row["lead_id"], row["sequence"]): row["at_ms"]
        for row in await connection.fetch(queries.ENDED, leads)
    }
    return _Known(identifiers, await sales_active(connection, leads), sent_ms, ended_ms)


def _events(rows: Sequence[asyncpg.Record]) -> list[Event]:
    """Those that can be read."""
    return [event for row in rows if (event := readable_event(row["body"])) is not None]


def _refused(
    definition: Definition,
    words: RulesetWords,
    state: ScoreState,
    stage: str,
    who: Sequence[Identifier],
    now_ms: int,
) -> dict[Channel, str]:
    """Why nothing may go to the lead by the sequence's channels. That a mail bounced matters to
    mails alone.
    """
    standing = Standing(state, stage, who, now_ms)
    refused: dict[Channel, str] = {}
    for channel in set(definition.written.channels_from(0)):
        why = why_not(receiver_on(channel), words.core, words.suppress, standing)
        if why and not (why == "email_bounced" and channel != "email"):
            refused[channel] = why
    return refused


async def _write(connection: Any, batch: _Batch) -> None:
    if batch.steps:
        await connection.execute(queries.ADD_STEPS, *map(list, zip(*batch.steps, strict=True)))
    if batch.facts:
        await connection.execute(queries.TELL, *map(list, zip(*batch.facts, strict=True)))
    if batch.enrolments:
        await connection.execute(queries.CHANGE, msgspec.json.encode(batch.enrolments).decode())

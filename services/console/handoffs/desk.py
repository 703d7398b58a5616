"""The desk for hand-offs: what there is, and what people do with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.console.cursors import read_cursor, uuid_of, write_cursor
from services.console.handoffs import queries
from services.console.handoffs.acting import (
    RECYCLED,
    act_row,
    check_act,
    events_of,
    journey_of,
    state_after,
)
from services.console.handoffs.answers import (
    ActRequest,
    Handoff,
    HandoffAct,
    HandoffDetail,
    HandoffPage,
)
from services.console.handoffs.queries import HandoffFilter
from services.console.metrics import HANDOFF_ACTS, HANDOFF_ANSWER_SECONDS
from services.console.order_sending import Send, acknowledged, standing_lead, who_to_name
from services.console.refusals import RefusedError
from shared.envelope import rfc3339
from shared.facts import read_released
from shared.handoff_states import MOVES, Act, possible
from shared.ids import shard_of
from shared.ruleset.reading import RulesetErrors, read_ruleset
from shared.ruleset.sales import DEFAULT_REASONS, Sales
from shared.ruleset.stages import all_stages


class HandoffDesk:
    """send: puts an event on lead-events · shards: of the outbox."""

    def __init__(
        self, engine: AsyncEngine, send: Send, now_ms: Callable[[], int], shards: int
    ) -> None:
        self._engine = engine
        self._send = send
        self._now_ms = now_ms
        self._shards = shards
        self._rulesets: dict[int, tuple[Sales, dict[str, frozenset[str]]]] = {}

    async def listed(
        self, which: HandoffFilter, limit: int, cursor: str | None, *, overdue: bool = False
    ) -> HandoffPage:
        """The newest first."""
        if cursor is not None:
            handed_ms, handoff_id = read_cursor(cursor, int, str)
            which = _with(which, before=(int(handed_ms), uuid_of(handoff_id)))
        if overdue:
            which = _with(which, overdue_at_ms=self._now_ms())
        async with self._engine.connect() as connection:
            rows = list(await queries.listed(connection, which, limit + 1))
        page = rows[:limit]
        more = len(rows) > limit
        return HandoffPage(
            items=[shown(row) for row in page],
            next_cursor=write_cursor(page[-1].handed_ms, str(page[-1].id)) if more else None,
        )

    async def one(self, handoff_id: UUID) -> HandoffDetail:
        """Raises RefusedError."""
        async with self._engine.connect() as connection:
            row = await _existing(connection, handoff_id)
            return await _detail(connection, row)

    async def reasons(self, handoff_id: UUID) -> dict[str, str]:
        """Why a lead may be turned down, in words by short name. Raises RefusedError."""
        async with self._engine.connect() as connection:
            row = await _existing(connection, handoff_id)
            return (await self._rules(connection, row.ruleset_version))[0].reasons

    async def is_used(self, link: str) -> bool:
        async with self._engine.connect() as connection:
            return await queries.link_is_used(connection, hash_of(link))

    async def act(
        self,
        handoff_id: UUID,
        act: Act,
        asked: ActRequest,
        via: str,
        *,
        link: str = "",
        dry_run: bool = False,
    ) -> HandoffDetail:
        """Do it, and say how the hand-off stands then. The same again changes nothing. The event
        is on Kafka before anything is stored: what fails in between can be done again, and makes
        the same event. Raises RefusedError.
        """
        now_ms = self._now_ms()
        async with self._engine.begin() as connection:
            row = await _existing(connection, handoff_id, lock=True)
            if link and await queries.link_is_used(connection, hash_of(link)):
                raise RefusedError(409, "link_used", "this link was used already")
            if _is_done(row, act, asked):
                return await _detail(connection, row)
            sales, stages = await self._rules(connection, row.ruleset_version)
            check_act(act, asked, row.status, sales.reasons, now_ms)
            await self._carry_out(connection, row, act, asked, stages, now_ms, dry_run=dry_run)
            if not dry_run:
                taken = hash_of(link) if link else None
                await queries.note(connection, act_row(act, via, asked, row, now_ms, taken))
                row = await _existing(connection, handoff_id)
            detail = await _detail(connection, row)
        if not dry_run:
            HANDOFF_ACTS.labels(act, via).inc()
            if act in {"accept", "reject"} and row.kind == "sales":
                HANDOFF_ANSWER_SECONDS.observe(max(0, now_ms - row.handed_ms) / 1000)
        return detail

    async def _carry_out(
        self,
        connection: AsyncConnection,
        row: Any,
        act: Act,
        asked: ActRequest,
        stages: dict[str, frozenset[str]],
        now_ms: int,
        *,
        dry_run: bool,
    ) -> None:
        if act == "release":
            await self._release(connection, row, now_ms, dry_run=dry_run)
            return
        journey = journey_of(row)
        if act == "recycle" and RECYCLED not in stages.get(journey, ()):
            raise RefusedError(
                409,
                "nowhere_to_wait",
                f"the journey {journey} has no stage {RECYCLED}, so the lead would wait for "
                "nothing: reject it, or add the stage to the ruleset",
            )
        if MOVES[act].event:
            lead_id = await queries.survivor_of(connection, row.lead_id)
            if lead_id is None:
                raise RefusedError(409, "lead_gone", "the lead isn't stored any more")
            who = await who_to_name(connection, lead_id)
            there = stages.get(journey, frozenset())
            for event in events_of(act, asked, row, who, there, now_ms):
                if not dry_run:
                    await acknowledged(self._send(event))
        if not dry_run:
            await queries.change(connection, row.id, state_after(act, asked, now_ms))

    async def _release(
        self, connection: AsyncConnection, row: Any, now_ms: int, *, dry_run: bool
    ) -> None:
        """The router sends it, and keeps it as sent then."""
        if row.fact is None:
            raise RefusedError(409, "handoff_state", "the hand-off is being released already")
        # Of one that was merged since, the lead that it is part of is handed over.
        person = await queries.survivor_of(connection, row.lead_id)
        if person is None:
            raise RefusedError(409, "lead_gone", "the lead isn't stored any more")
        lead = await standing_lead(connection, person, "path.handoff_id")
        if row.kind == "sales" and not lead.known:
            raise RefusedError(409, "lead_unknown", "nobody knows yet who this lead is")
        if dry_run:
            return
        fact = read_released(row.fact, now_ms)
        await queries.tell(connection, shard_of(row.lead_id, self._shards), row.lead_id, fact)
        await queries.change(connection, row.id, {"fact": None})

    async def _rules(
        self, connection: AsyncConnection, version: int
    ) -> tuple[Sales, dict[str, frozenset[str]]]:
        """What sales works by, and the stages of each journey; versions never change."""
        if version not in self._rulesets:
            source = await queries.ruleset_source(connection, version)
            self._rulesets[version] = _read(source or "")
        return self._rulesets[version]


def _read(source: str) -> tuple[Sales, dict[str, frozenset[str]]]:
    try:
        document = read_ruleset(source)
    except RulesetErrors:
        return Sales(reasons=DEFAULT_REASONS), {}
    stages = {
        name: frozenset(stage.name for stage in all_stages(journey))
        for name, journey in document.all_journeys().items()
    }
    return document.sales or Sales(), stages


def _is_done(row: Any, act: Act, asked: ActRequest) -> bool:
    """The same said again: the answer to the first time may have been lost. What is left out now
    is as it was.
    """
    if row.status != MOVES[act].to or act == "release":
        return False
    return (
        asked.reason in {"", row.reason}
        and (asked.amount is None or (asked.amount, asked.currency) == (row.amount, row.currency))
        and asked.until_ms in {None, row.until_ms}
    )


async def _existing(connection: AsyncConnection, handoff_id: UUID, *, lock: bool = False) -> Any:
    row = await queries.one(connection, handoff_id, lock=lock)
    if row is None:
        raise RefusedError(404, "handoff_not_found", "there is no such hand-off", "path.handoff_id")
    return row


async def _detail(connection: AsyncConnection, row: Any) -> HandoffDetail:
    acts = [
        HandoffAct(
            at=rfc3339(each.at_ms),
            act=each.act,
            via=each.via,
            actor=each.actor,
            reason=each.reason,
            note=each.note,
            amount=None if each.amount is None else float(each.amount),
            currency=each.currency,
            until=_instant(each.until_ms),
        )
        for each in await queries.acts_of(connection, row.id)
    ]
    return HandoffDetail(**shown(row).model_dump(), acts=acts)


def shown(row: Any) -> Handoff:
    """A row as the API tells it."""
    return Handoff(
        id=row.id,
        lead_id=row.lead_id,
        kind=row.kind,
        journey=row.journey,
        stage=row.stage,
        episode=row.episode,
        sequence=row.seq,
        handed_at=rfc3339(row.handed_ms),
        status=row.status,
        status_since=rfc3339(row.status_ms),
        owner=row.owner,
        bands=row.bands,
        grade=row.grade,
        source=row.source,
        rules=list(row.rules),
        ruleset_version=row.ruleset_version,
        due_at=_instant(row.due_ms),
        until=_instant(row.until_ms),
        reason=row.reason,
        amount=None if row.amount is None else float(row.amount),
        currency=row.currency,
        accepted_at=_instant(row.accepted_ms),
        ended_at=_instant(row.ended_ms),
        possible=possible(row.status) if row.status != "withheld" or row.fact else [],
    )


def _instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)


def _with(which: HandoffFilter, **over: Any) -> HandoffFilter:
    return replace(which, **over)


def hash_of(link: str) -> bytes:
    """What is kept of a link that was used."""
    return hashlib.sha256(link.encode()).digest()

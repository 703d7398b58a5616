"""From rows of the outbox to messages: facts that can't be told are set aside with their lead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import structlog

from services.router.belonging import belonging_of
from services.router.changes import change_data, packet_data
from services.router.cloudevents import TYPES, Message
from services.router.decide import (
    ALERT,
    HANDOFF,
    MessageKind,
    decide,
    message_id,
    number_of,
    place_of,
)
from services.router.facts import Announcement, AnyFact, Fact, HandoffReleased, open_fact
from services.router.handing import handoff_id_of, kept_of
from services.router.history import History
from services.router.kept_handoffs import DROPPED, Kept
from services.router.messages import HandOff, NextStep
from services.router.metrics import FACTS_UNBUILT, LEFT_OUT, NEXT_STEPS_SKIPPED
from services.router.nearest import nearest
from services.router.outbox import Pool, Row
from services.router.owning import Wanted, give
from services.router.packet import Lead, Waited, build_packet
from services.router.percentiles import Percentiles
from services.router.ruleset_words import Rulesets, RulesetWords
from services.router.standings import Stood, standings
from services.router.stored_events import DATA_ERRORS
from services.router.suppression import Receiver, Standing, why_not
from services.router.table import Effect, Table, effect_of, rows_of
from shared.envelope import milliseconds
from shared.errors import PoisonError
from shared.facts import Suppressed
from shared.ruleset.handoff_journeys import is_row_journey
from shared.ruleset.stages import MAIN

log = structlog.get_logger()

LEADS_AT_ONCE = 50
# What tells of a person: it needs what is stored of the lead, and may be suppressed.
HANDOFFS = frozenset(HANDOFF.values())
_PACKETS = HANDOFFS | {ALERT}
NEXT_STEPS_SECONDS = 1.0  # of a chunk: looking for next steps is the dearest part of a packet


@dataclass(slots=True)
class Built:
    """A chunk, ready to go out.

    row_ids: facts told by `messages` · effects, kept: what else follows from them, and hand-offs
    as they are kept · blocked: leads set aside, each from which row on.
    """

    row_ids: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    blocked: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Told:
    row: Row
    fact: AnyFact
    table: Table
    kinds: tuple[MessageKind, ...]


# By (lead id, instant): the lead, or why there is no packet about it.
_Leads = dict[tuple[str, int], Lead | PoisonError]
# By lead id: how it stands, None where that can't be read.
_Standings = Mapping[str, Stood | None]
# By (lead id, sequence number).
_Changes = dict[tuple[str, int], Waited]


class Builder:
    """Makes messages, with what is stored of the leads that are handed over."""

    def __init__(
        self,
        pool: Pool,
        history: History,
        rulesets: Rulesets,
        public_url: str,
        percentiles: Percentiles | None = None,
    ) -> None:
        self._pool = pool
        self._history = history
        self.rulesets = rulesets
        self._public_url = public_url
        self._percentiles = percentiles
        self._searching_seconds = 0.0

    async def build(self, rows: Sequence[Row]) -> Built:
        """The messages of these rows, in their order.

        A lead's facts after one that can't be built wait with it; other leads go on.
        """
        self._searching_seconds = 0.0
        built = Built()
        told: list[_Told] = []
        for row in rows:
            if row.lead_id in built.blocked:
                continue
            try:
                fact = open_fact(row.fact)
                table = await self.rulesets.table(fact)
                told.append(_Told(row, fact, table, decide(fact, table)))
            except DATA_ERRORS as error:
                _set_aside(built, row, error)
        leads = await self._leads(told)
        stood = await self._stood(told)
        waited = await self._waited(told)
        dropped = await self._dropped(told)
        owners = await self._owners(told, leads)
        for each in told:
            if each.row.id >= built.blocked.get(each.row.lead_id, each.row.id + 1):
                continue
            try:
                if isinstance(each.fact, Announcement):
                    messages, kept = _announced(each.fact, stood), None
                elif each.row.id in dropped:
                    messages, kept = [], None
                else:
                    messages, kept = await self._messages(each, leads, waited, owners)
            except DATA_ERRORS as error:
                _set_aside(built, each.row, error)
                continue
            built.row_ids.append(each.row.id)
            built.messages.extend(messages)
            if kept is not None:
                built.kept.append(kept)
            if (effect := effect_of(each.fact, each.table)) is not None:
                built.effects.append(effect)
        return built

    async def _leads(self, told: Sequence[_Told]) -> _Leads:
        """The leads that packets are about, by (lead id, instant)."""
        asked = list({
            (each.fact.lead_id, each.fact.at_ms): None
            for each in told
            if not _PACKETS.isdisjoint(each.kinds)
        })  # fmt: skip
        leads: _Leads = {}
        for start in range(0, len(asked), LEADS_AT_ONCE):
            some = asked[start : start + LEADS_AT_ONCE]
            leads.update(zip(some, await self._history.read(some), strict=True))
            await asyncio.sleep(0)  # packets are work for the processor: let heartbeats through
        return leads

    async def _stood(self, told: Sequence[_Told]) -> _Standings:
        """How the leads stand that steps and reminders are about."""
        ids = {each.fact.lead_id for each in told if isinstance(each.fact, Announcement)}
        if not ids:
            return {}
        async with self._pool.acquire() as connection:
            now_ms = milliseconds(datetime.now(UTC))
            return await standings(connection, self.rulesets, ids, now_ms)

    async def _waited(self, told: Sequence[_Told]) -> _Changes:
        """What released hand-offs waited from: their facts tell of the release alone."""
        asked = [
            (each.fact.lead_id, each.fact.seq)
            for each in told
            if isinstance(each.fact, HandoffReleased)
        ]
        return await self._history.waited(asked) if asked else {}

    async def _dropped(self, told: Sequence[_Told]) -> set[int]:
        """The rows of hand-offs that are released, but that a person said must never go."""
        asked = {
            str(handoff_id_of(each.fact)): each.row.id
            for each in told
            if isinstance(each.fact, HandoffReleased)
        }
        if not asked:
            return set()
        rows = await self._pool.fetch(DROPPED, list(asked))
        return {asked[row["id"]] for row in rows}

    async def _owners(self, told: Sequence[_Told], leads: _Leads) -> Mapping[str, str | None]:
        """Whose each lead is that sales gets, by lead."""
        wanted = []
        for each in told:
            lead = leads.get((each.fact.lead_id, each.fact.at_ms))
            if HANDOFF["sales"] in each.kinds and isinstance(lead, Lead):
                now = await self.rulesets.words(lead.ruleset_version)
                if now.team is not None and not _refused(
                    [HANDOFF["sales"]], lead, now, each.fact.at_ms
                ):
                    now_ms = milliseconds(datetime.now(UTC))
                    wanted.append(Wanted(each.fact.lead_id, lead.state, now.team, now_ms))
        return await give(self._pool, wanted) if wanted else {}

    async def _messages(
        self,
        told: _Told,
        leads: _Leads,
        waited: _Changes,
        owners: Mapping[str, str | None],
    ) -> tuple[list[Message], Kept | None]:
        """All of one fact, but for what is suppressed by now; and its hand-off."""
        fact, kinds = told.fact, told.kinds
        assert not isinstance(fact, Announcement)
        if not _PACKETS.isdisjoint(kinds):
            lead = leads[fact.lead_id, fact.at_ms]
            if isinstance(lead, PoisonError):
                raise lead
            # The lead may have been scored again since, under a newer version.
            now = await self.rulesets.words(lead.ruleset_version)
            refused = _refused(kinds, lead, now, fact.at_ms)
            kinds = tuple(kind for kind in kinds if kind not in refused)
            if fact.handoff is not None and HANDOFF[fact.handoff] in refused:
                fact = msgspec.structs.replace(fact, suppressed=refused[HANDOFF[fact.handoff]])
            packet = None
            if not _PACKETS.isdisjoint(kinds):
                change = waited.get((fact.lead_id, fact.seq))
                packet = await self._packet(fact, lead, now, change, owners.get(fact.lead_id))
        messages = []
        for kind in kinds:
            if kind not in _PACKETS:
                data = change_data(fact, told.table)
            else:
                assert packet is not None
                data = packet_data(kind, packet, rows_of(fact, told.table))
            messages.append(_message(fact, kind, data))
        packets = (message.data for message in messages if message.kind in HANDOFFS)
        words = await self.rulesets.words(fact.ruleset_version)
        return messages, kept_of(fact, next(packets, None), words, milliseconds(datetime.now(UTC)))

    async def _packet(
        self,
        fact: Fact,
        lead: Lead,
        now: RulesetWords,
        change: Waited | None,
        owner: str | None,
    ) -> HandOff:
        await asyncio.sleep(0)  # milliseconds of work: let heartbeats through
        words = await self.rulesets.words(fact.ruleset_version)
        drawn = None
        if self._percentiles is not None:
            drawn = await self._percentiles.drawn(lead.ruleset_version, now.core)
        return build_packet(
            fact,
            lead,
            words,
            self._public_url,
            change,
            belonging_of(now.core, lead.state, fact.at_ms),
            drawn,
            self._next_step(fact, lead, now),
            owner,
        )

    def _next_step(self, fact: Fact, lead: Lead, now: RulesetWords) -> NextStep | None:
        """None, too, where this chunk's packets have had their time for it, or it can't be found:
        no hand-off waits for it.
        """
        if not now.tried or self._searching_seconds > NEXT_STEPS_SECONDS:
            NEXT_STEPS_SKIPPED.inc()
            return None
        started = time.perf_counter()
        try:
            return nearest(
                now.tried,
                lead.state,
                lead.journeys,
                lead.known,
                lead.identifiers,
                # A row of the hand-off table has no next stage; its lead has.
                MAIN if is_row_journey(fact.journey) else fact.journey,
                fact.at_ms,
            )
        except DATA_ERRORS as error:
            NEXT_STEPS_SKIPPED.inc()
            log.warning("no next step can be found for a lead", why=type(error).__name__)
            return None
        finally:
            self._searching_seconds += time.perf_counter() - started


def _refused(
    kinds: Sequence[MessageKind], lead: Lead, now: RulesetWords, at_ms: int
) -> dict[MessageKind, Suppressed]:
    """The kinds that must not go out, and why: what is stored by now decides."""
    standing = Standing(lead.state, lead.stage, lead.identifiers, at_ms)
    found: dict[MessageKind, Suppressed] = {}
    for kind in kinds:
        if kind in _PACKETS:
            receiver: Receiver = "content" if kind == HANDOFF["content"] else "sales"
            if why := why_not(receiver, now.core, now.suppress, standing):
                found[kind] = why
    return found


def _announced(fact: Announcement, stood: _Standings) -> list[Message]:
    """The step or reminder, unless it must not go out by now: it may have waited for Kafka."""
    if fact.lead_id not in stood:
        return []  # erased
    one = stood[fact.lead_id]
    if one is None:
        raise PoisonError("unreadable_lead", "the lead's state can't be read")
    why = one.why_not(TYPES[fact.message][1], str(fact.data.get("channel", "")))
    if why:
        LEFT_OUT.labels(fact.message, why).inc()
        return []
    return [_message(fact, fact.message, msgspec.json.encode(fact.data))]


def _message(fact: AnyFact, kind: MessageKind, data: bytes) -> Message:
    return Message(
        id=message_id(fact.lead_id, place_of(fact), kind),
        kind=kind,
        lead_id=fact.lead_id,
        seq=number_of(fact),
        at_ms=fact.at_ms,
        data=data,
    )


def expected_ids(fact: AnyFact, table: Table) -> dict[str, MessageKind]:
    """The ids of a fact's messages, without building them."""
    return {
        str(message_id(fact.lead_id, place_of(fact), kind)): kind for kind in decide(fact, table)
    }


def _set_aside(built: Built, row: Row, error: Exception) -> None:
    why = error.code if isinstance(error, PoisonError) else type(error).__name__
    FACTS_UNBUILT.labels(why).inc()
    log.error("a fact can't be told, its lead waits", outbox_id=row.id, why=why)
    built.blocked[row.lead_id] = row.id

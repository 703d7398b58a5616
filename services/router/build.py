"""From rows of the outbox to messages: facts that can't be told are set aside with their lead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from services.router.belonging import belonging_of
from services.router.changes import change_data
from services.router.cloudevents import Message
from services.router.decide import HANDOFF, MessageKind, decide, message_id, number_of, place_of
from services.router.facts import Announcement, AnyFact, Fact, HandoffReleased, open_fact
from services.router.history import History
from services.router.messages import NextStep
from services.router.metrics import FACTS_UNBUILT, NEXT_STEPS_SKIPPED
from services.router.nearest import nearest
from services.router.outbox import Row
from services.router.packet import Lead, Waited, build_packet
from services.router.percentiles import Percentiles
from services.router.ruleset_words import Rulesets, RulesetWords
from shared.errors import PoisonError

log = structlog.get_logger()

LEADS_AT_ONCE = 50
NEXT_STEPS_SECONDS = 1.0  # of a chunk: looking for next steps is the dearest part of a packet
_HANDOFFS = frozenset(HANDOFF.values())

# What building may raise on data that isn't as it should be.
_DATA_ERRORS = (PoisonError, ValueError, TypeError, LookupError, ArithmeticError)


@dataclass(slots=True)
class Built:
    """A chunk, ready to go out.

    row_ids: facts told by `messages` · blocked: leads set aside, each from which row on.
    """

    row_ids: list[int] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    blocked: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Told:
    row: Row
    fact: AnyFact
    kinds: tuple[MessageKind, ...]


# By (lead id, instant): the lead, or why there is no packet about it.
_Leads = dict[tuple[str, int], Lead | PoisonError]
# By (lead id, sequence number).
_Changes = dict[tuple[str, int], Waited]


class Builder:
    """Makes messages, with what is stored of the leads that are handed over."""

    def __init__(
        self,
        history: History,
        rulesets: Rulesets,
        public_url: str,
        percentiles: Percentiles | None = None,
    ) -> None:
        self._history = history
        self._rulesets = rulesets
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
                told.append(_Told(row, fact, decide(fact)))
            except _DATA_ERRORS as error:
                _set_aside(built, row, error)
        leads = await self._leads(told)
        waited = await self._waited(told)
        for each in told:
            if each.row.id >= built.blocked.get(each.row.lead_id, each.row.id + 1):
                continue
            try:
                messages = [
                    await self._message(each.fact, kind, leads, waited) for kind in each.kinds
                ]
            except _DATA_ERRORS as error:
                _set_aside(built, each.row, error)
                continue
            built.row_ids.append(each.row.id)
            built.messages.extend(messages)
        return built

    async def _leads(self, told: Sequence[_Told]) -> _Leads:
        """The leads that packets are about, by (lead id, instant)."""
        asked = list({
            (each.fact.lead_id, each.fact.at_ms): None
            for each in told
            if not _HANDOFFS.isdisjoint(each.kinds)
        })  # fmt: skip
        leads: _Leads = {}
        for start in range(0, len(asked), LEADS_AT_ONCE):
            some = asked[start : start + LEADS_AT_ONCE]
            leads.update(zip(some, await self._history.read(some), strict=True))
            await asyncio.sleep(0)  # packets are work for the processor: let heartbeats through
        return leads

    async def _waited(self, told: Sequence[_Told]) -> _Changes:
        """What released hand-offs waited from: their facts tell of the release alone."""
        asked = [
            (each.fact.lead_id, each.fact.seq)
            for each in told
            if isinstance(each.fact, HandoffReleased)
        ]
        return await self._history.waited(asked) if asked else {}

    async def _message(
        self, fact: AnyFact, kind: MessageKind, leads: _Leads, waited: _Changes
    ) -> Message:
        if isinstance(fact, Announcement):
            data = msgspec.json.encode(fact.data)
        elif kind not in _HANDOFFS:
            data = change_data(fact)
        else:
            data = await self._packet(fact, leads, waited)
        return Message(
            id=message_id(fact.lead_id, place_of(fact), kind),
            kind=kind,
            lead_id=fact.lead_id,
            seq=number_of(fact),
            at_ms=fact.at_ms,
            data=data,
        )

    async def _packet(self, fact: Fact, leads: _Leads, waited: _Changes) -> bytes:
        await asyncio.sleep(0)  # milliseconds of work: let heartbeats through
        lead = leads[fact.lead_id, fact.at_ms]
        if isinstance(lead, PoisonError):
            raise lead
        words = await self._rulesets.words(fact.ruleset_version)
        # The lead may have been scored again since, under a newer version.
        now = await self._rulesets.words(lead.ruleset_version)
        drawn = None
        if self._percentiles is not None:
            drawn = await self._percentiles.drawn(lead.ruleset_version, now.core)
        packet = build_packet(
            fact,
            lead,
            words,
            self._public_url,
            waited.get((fact.lead_id, fact.seq)),
            belonging_of(now.core, lead.state, fact.at_ms),
            drawn,
            self._next_step(fact, lead, now),
        )
        return packet.model_dump_json().encode()

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
                fact.journey,
                fact.at_ms,
            )
        except _DATA_ERRORS as error:
            NEXT_STEPS_SKIPPED.inc()
            log.warning("no next step can be found for a lead", why=type(error).__name__)
            return None
        finally:
            self._searching_seconds += time.perf_counter() - started


def expected_ids(fact: AnyFact) -> dict[str, MessageKind]:
    """The ids of a fact's messages, without building them."""
    return {str(message_id(fact.lead_id, place_of(fact), kind)): kind for kind in decide(fact)}


def _set_aside(built: Built, row: Row, error: Exception) -> None:
    why = error.code if isinstance(error, PoisonError) else type(error).__name__
    FACTS_UNBUILT.labels(why).inc()
    log.error("a fact can't be told, its lead waits", outbox_id=row.id, why=why)
    built.blocked[row.lead_id] = row.id

"""Folding again: leads whose past changes, because an event is late, or leads merge, or the ruleset
is new.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from services.scorer import queries
from services.scorer.anonymous import AnonymousId, Claim, runs_of
from services.scorer.arrivals import Arrival
from services.scorer.carries import Carries, load_carries
from services.scorer.core.by_hand import set_by_hand
from services.scorer.core.carrying import restored
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import fold_scores, new_state, position, settle
from services.scorer.core.moves import MAIN
from services.scorer.leads import Lead
from services.scorer.mentions import claimed_anonymous_ids, mention_of
from services.scorer.outcome import Outcome
from services.scorer.plan import Plan
from services.scorer.scene import Scene
from shared.bodies import open_body
from shared.envelope import Event, decode_event
from shared.event_types import OPERATOR, STAGE_OVERRIDDEN
from shared.facts import Cause, StageChange
from shared.lead_state import Position, ScoreState, decode_scores
from shared.ledger import TimeEntry, encode_entries

# A checkpoint every so many events of a lead: what a late event folds again at most.
CHECKPOINT_EVERY = 64


@dataclass(slots=True)
class Stored:
    """An event that was taken in before. lead_id is its home: a merge may change it."""

    key: UUID
    lead_id: UUID
    was_of: UUID
    event: Event
    position: Position
    entries: bytes | None


@dataclass(slots=True)
class Past:
    """What is needed to fold some leads again.

    bases: lead → (its checkpoint's state, or an empty one) · stored: events after the base ·
    carries: what is carried forward of leads whose history is partly deleted, see begin_carried ·
    from_ms: of those that begin with that, from when on all is made anew · turned: what rules on
    traits gave and took at the beginning, under a ruleset newer than what is carried.
    """

    bases: dict[UUID, ScoreState] = field(default_factory=dict)
    stored: list[Stored] = field(default_factory=list)
    carries: Carries = field(default_factory=Carries)
    from_ms: dict[UUID, int] = field(default_factory=dict)
    turned: dict[UUID, list[TimeEntry]] = field(default_factory=dict)

    def begin_carried(self, ruleset: Ruleset, parents: Mapping[UUID, UUID | None]) -> None:
        """Have leads that would begin with nothing begin with what is carried of all they are made
        of. parents: leads that have just been merged into others (or None: stand again).
        """
        for lead_id, carries in self.carries.by_holder(parents).items():
            base = self.bases.get(lead_id)
            if base is None or base.last is None:
                lasts = [one.state.last for one in carries if one.state.last is not None]
                self.from_ms[lead_id] = min((last[0] + 1 for last in lasts), default=0)
                self.bases[lead_id], self.turned[lead_id] = restored(ruleset, carries)

    def by_home(self) -> dict[UUID, list[Stored]]:
        """The stored events of each lead, as they belong now."""
        homes: dict[UUID, list[Stored]] = {}
        for one in self.stored:
            homes.setdefault(one.lead_id, []).append(one)
        return homes


async def load_past(
    connection: Any,
    ruleset: Ruleset,
    late: Mapping[UUID, int],
    whole: Iterable[UUID],
    carried: Collection[UUID] = (),
) -> Past:
    """Read what folding again needs. late: lead → instant of its first late event · carried: leads
    of which something may be carried forward.
    """
    past = Past({lead_id: new_state() for lead_id in whole})
    from_ms = dict.fromkeys(past.bases, 0)
    if late:
        rows = await connection.fetch(
            queries.CHECKPOINTS, list(late), list(late.values()), ruleset.version
        )
        for lead_id in late:
            past.bases[lead_id] = new_state()
            from_ms[lead_id] = 0
        for row in rows:
            past.bases[row["lead_id"]] = decode_scores(row["scores"])
            from_ms[row["lead_id"]] = row["last_ms"]
    for one in await _stored(connection, from_ms):
        base = past.bases[one.lead_id].last
        if base is None or one.position > base:
            past.stored.append(one)
    if carried:
        past.carries = await load_carries(connection, carried)
    return past


async def stored_events(connection: Any, leads: Iterable[UUID]) -> list[Stored]:
    """All that is stored of some leads."""
    return await _stored(connection, dict.fromkeys(leads, 0))


async def _stored(connection: Any, from_ms: Mapping[UUID, int]) -> list[Stored]:
    if not from_ms:
        return []
    rows = await connection.fetch(queries.HISTORY, list(from_ms), list(from_ms.values()))
    found = []
    for key, lead_id, body, entries in rows:
        event = decode_event(open_body(body))
        found.append(Stored(key, lead_id, lead_id, event, position(event), entries))
    return found


def settle_contested(
    plan: Plan, arrivals: Sequence[Arrival], past: Past, oldest_ms: int = 0
) -> None:
    """Work out anew whom contested anonymous ids belong to, from every claim ever made, and move
    the events that carry nothing else. oldest_ms: claims before it may be deleted; there, runs are
    as they were.
    """
    for anonymous_id, anonymous in plan.contested.items():
        claims = [
            Claim(*stored.position, stored.lead_id)
            for stored in past.stored
            if anonymous_id in claimed_anonymous_ids(mention_of(stored.event))
        ]
        claims += [
            Claim(*arrival.position, arrival.lead_id)
            for arrival in arrivals
            if arrival.lead_id is not None
            and anonymous_id in claimed_anonymous_ids(arrival.mention)
        ]
        claims += [
            Claim(since_ms, "", "", plan.merges.get(lead_id, lead_id))
            for since_ms, lead_id in anonymous.claimed_runs()
            if since_ms < oldest_ms
        ]
        if not claims:
            continue
        settled = runs_of(claims)
        anonymous.runs, anonymous.claimed_ms = settled.runs, settled.claimed_ms
        _move(anonymous_id, anonymous, arrivals, past)


def _move(
    anonymous_id: str, anonymous: AnonymousId, arrivals: Sequence[Arrival], past: Past
) -> None:
    for stored in past.stored:
        mention = mention_of(stored.event)
        if mention.anonymous_id == anonymous_id and not mention.names:
            stored.lead_id = anonymous.owner_at(stored.position[0])
    for arrival in arrivals:
        mention = arrival.mention
        if mention.anonymous_id == anonymous_id and not mention.names:
            arrival.lead_id = anonymous.owner_at(arrival.at_ms)


def fold_again(
    ruleset: Ruleset,
    lead: Lead,
    base: ScoreState | None,
    line: Sequence[Stored | Arrival],
    outcome: Outcome,
    from_ms: int | None = None,
    turned: Sequence[TimeEntry] = (),
) -> None:
    """Fold a lead's scores from its base over stored and fresh events. The ladder is not read, and
    time goes no further than the newest event: read_ladder_once does both. from_ms, turned: see
    Past.
    """
    line = sorted(line, key=lambda one: one.position)
    state = base if base is not None else new_state()
    if from_ms is None:
        from_ms = state.last[0] + 1 if state.last else 0
    outcome.drop_from(lead, from_ms)
    state.carried_ms = max(state.carried_ms, lead.state.carried_ms)
    folded = fold_scores(ruleset, state, [one.event for one in line], CHECKPOINT_EVERY)
    lead.state = folded.state
    lead.ruleset_version = ruleset.version
    for one, entries in zip(line, folded.entries, strict=True):
        outcome.entries += len(entries)
        if isinstance(one, Arrival):
            outcome.events.append((one, lead.id, entries))
            continue
        encoded = encode_entries(entries)
        if one.was_of != lead.id or encoded != one.entries:
            outcome.rewrites[one.key] = (lead.id, encoded)
    outcome.add_time_entries(lead, [*turned, *folded.time_entries])
    outcome.add_checkpoints(lead, folded.checkpoints)


def set_late_by_hand(
    scene: Scene, lead: Lead, line: Sequence[Stored | Arrival], outcome: Outcome
) -> None:
    """Stages set by hand, among the fresh events of a line that was folded again: of each journey
    the newest counts, unless it was there before.
    """
    newest: dict[object, Stored | Arrival] = {}
    for one in sorted(line, key=lambda one: one.position):
        if one.event.type == STAGE_OVERRIDDEN and one.event.source == OPERATOR:
            newest[str(one.event.properties.get("journey", MAIN))] = one
    changes: list[StageChange] = []
    for one in newest.values():
        if isinstance(one, Arrival):
            set_by_hand(
                scene.ruleset, lead.state, lead.journeys, one.event, one.at_ms, lead.known, changes
            )
    outcome.add_changes(lead, changes)


def read_ladder_once(
    scene: Scene,
    lead: Lead,
    cause: Cause,
    outcome: Outcome,
    told: Set[tuple[str, str]] = frozenset(),
) -> None:
    """After history changed: where does the lead stand now, seen from the stage last published?
    told: stages that content was handed already, under the id of a lead that was merged into it.
    """
    at_ms = max(
        scene.watermark_ms,
        lead.state.last[0] if lead.state.last else 0,
        *(journey.ladder_at_ms for journey in lead.journeys),
    )
    settled = settle(
        scene.ruleset,
        lead.state,
        lead.journeys,
        at_ms,
        cause,
        lead.known,
        hand_off=scene.hand_off or cause != "recalculation",
    )
    lead.journeys = settled.journeys
    outcome.add_time_entries(lead, settled.time_entries)
    outcome.add_changes(lead, _without_told(settled.changes, told))


def _without_told(changes: Sequence[StageChange], told: Set[tuple[str, str]]) -> list[StageChange]:
    """Changes that follow from a merge: content that has this person already gets nothing."""
    return [
        msgspec.structs.replace(change, handoff=None)
        if change.handoff == "content" and (change.journey, change.to_stage) in told
        else change
        for change in changes
    ]

"""What a transaction is about to write: collected while leads are scored, turned into rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from services.scorer.arrivals import Arrival
from services.scorer.core.change import last_seq
from services.scorer.core.fold import Release
from services.scorer.leads import Lead
from services.scorer.plan import MergeCause
from shared.facts import (
    FACT_OF_ROW,
    Cause,
    Fact,
    HandoffReleased,
    LeadMerged,
    LeadUnmerged,
    StageChange,
    StageChanged,
    fact_about,
)
from shared.ids import shard_of
from shared.lead_state import ScoreState, encode_scores
from shared.ledger import Entry, TimeEntry, by_instant
from shared.ruleset.handoff_journeys import row_of_journey

Scores = dict[str, float]


@dataclass(slots=True)
class Outcome:
    """Rows to come.

    leads: whose row is saved · events: new ones, with their lead and what they earned · rewrites:
    key → (lead, entries) of stored events · checkpoints and stale_checkpoints: to add, and from
    which instant to drop · time_entries and stale_time_entries: likewise · changes, facts: rows of
    stage_history and outbox · merges: rows of lead_merge · undone: absorbed leads whose merge was
    taken back, by whom · entries: how many were made · has_accounts: companies are scored, so
    leads are noted for them.
    """

    shards: int
    has_accounts: bool = False
    leads: dict[UUID, Lead] = field(default_factory=dict)
    events: list[tuple[Arrival, UUID, list[Entry]]] = field(default_factory=list)
    rewrites: dict[UUID, tuple[UUID, bytes | None]] = field(default_factory=dict)
    checkpoints: list[tuple[Any, ...]] = field(default_factory=list)
    stale_checkpoints: dict[UUID, int] = field(default_factory=dict)
    time_entries: list[tuple[Any, ...]] = field(default_factory=list)
    stale_time_entries: dict[UUID, int] = field(default_factory=dict)
    changes: list[tuple[Any, ...]] = field(default_factory=list)
    facts: list[tuple[Any, ...]] = field(default_factory=list)
    merges: list[tuple[Any, ...]] = field(default_factory=list)
    undone: list[UUID] = field(default_factory=list)
    undone_by: str = ""
    entries: int = 0

    def add_changes(
        self,
        lead: Lead,
        changes: Iterable[StageChange],
        kind: type[Fact] = StageChanged,
        other: UUID | None = None,
    ) -> None:
        """Stage changes of a lead, as history and as facts for the router. other: the lead it
        merged with, or parted from.
        """
        for change in changes:
            if not change.seq:
                continue  # the way back from a row of the hand-off table
            self.changes.append((
                lead.id, change.seq, change.at_ms, change.journey, change.from_stage,
                change.to_stage, change.cause, change.episode, lead.ruleset_version,
                _json(change.reasons), change.actor, other,
            ))  # fmt: skip
            self._add_fact(kind, lead, change, other)

    def add_time_entries(self, lead: Lead, made: list[TimeEntry]) -> None:
        """What time gave or took, in order."""
        if made:
            self.entries += len(made)
            self.time_entries += [(lead.id, *stored) for stored in by_instant(made)]

    def drop_from(self, lead: Lead, from_ms: int) -> None:
        """What is kept of a lead's scores after an instant is old. To call before its state goes:
        a lead that watched nothing has had nothing of time, but where its past is carried forward.
        """
        self.stale_checkpoints[lead.id] = from_ms
        if lead.state.watch is not None or lead.state.carried_ms >= 0:
            self.stale_time_entries[lead.id] = from_ms

    def add_release(self, lead: Lead, release: Release, at_ms: int, scores: Scores) -> None:
        """A sales hand-off that waited for the lead's name may go: the lead is known from at_ms."""
        journey = next(one for one in lead.journeys if one.name == release.journey)
        fact = StageChange(
            journey=release.journey, from_stage=release.stage, to_stage=release.stage,
            at_ms=at_ms, seq=release.seq, episode=journey.episode, cause="event",
            scores=scores, handoff="sales",
        )  # fmt: skip
        self._add_fact(HandoffReleased, lead, fact)

    def add_absorption(self, lead: Lead, survivor: UUID, at_ms: int) -> None:
        """The last change of a lead that was merged into another."""
        self.add_changes(lead, [_standing_still(lead, at_ms, "merge")], other=survivor)

    def add_merge(
        self, lead: Lead, absorbed: UUID, at_ms: int, cause: MergeCause, actor: str
    ) -> None:
        """A lead took another in."""
        change = _standing_still(lead, at_ms, "merge", actor)
        self.add_changes(lead, [change], LeadMerged, absorbed)
        self.merges.append((absorbed, lead.id, at_ms, cause, actor))

    def add_parting(self, lead: Lead, parted: UUID, moves: list[StageChange]) -> None:
        """A lead that was part of this one isn't any more. moves: back to where it stood, the first
        of them on its first journey.
        """
        self.add_changes(lead, moves[:1], LeadUnmerged, parted)
        self.add_changes(lead, moves[1:])

    def add_revival(self, lead: Lead, former: UUID, at_ms: int, actor: str) -> None:
        """A lead that was absorbed stands by itself again."""
        self.add_changes(lead, [_standing_still(lead, at_ms, "unmerge", actor)], other=former)

    def add_checkpoints(self, lead: Lead, made: list[tuple[int, ScoreState]]) -> None:
        for count, state in made:
            assert state.last is not None
            self.checkpoints.append(
                (lead.id, count, state.last[0], lead.ruleset_version, encode_scores(state))
            )

    def _add_fact(
        self, kind: type[Fact], lead: Lead, change: StageChange, other: UUID | None = None
    ) -> None:
        if kind is StageChanged:
            kind = FACT_OF_ROW.get(row_of_journey(change.journey)[0], StageChanged)
        fact = fact_about(
            change,
            kind,
            lead_id=str(lead.id),
            ruleset_version=lead.ruleset_version,
            known=lead.known,
            merged_into=str(lead.merged_into) if lead.merged_into else None,
            other_lead=str(other) if other else None,
        )
        self.facts.append((shard_of(lead.id, self.shards), lead.id, _json(fact)))


def _standing_still(lead: Lead, at_ms: int, cause: Cause, actor: str = "") -> StageChange:
    """A change that leaves the stage as it is. Takes the next number of the lead's sequence."""
    journey = lead.journeys[0]
    journey.seq = last_seq(lead.journeys) + 1
    return StageChange(
        journey=journey.name, from_stage=journey.stage, to_stage=journey.stage, at_ms=at_ms,
        seq=journey.seq, episode=journey.episode, cause=cause, actor=actor,
    )  # fmt: skip


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()

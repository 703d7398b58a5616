"""Leads that merge, and leads that part: what becomes of their rows, stages and sequences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from services.scorer import queries
from services.scorer.core.change import last_seq
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import new_journeys, new_state
from services.scorer.leads import Lead
from services.scorer.outcome import Outcome
from services.scorer.plan import Plan
from services.scorer.scene import Scene
from shared.facts import StageChange
from shared.lead_state import JourneyState

# By lead: the stages (journey, stage) that content was handed already, under another lead's id.
Told = dict[UUID, set[tuple[str, str]]]


def absorb(leads: Mapping[UUID, Lead], plan: Plan, scene: Scene, outcome: Outcome) -> Told:
    """Close the leads that were merged into others: their last change says into whom, and the
    survivor's sequence goes on with whom it took in. Returns what need not be told again.
    """
    told: Told = {}
    for absorbed_id, survivor_id in sorted(plan.merges.items()):
        absorbed, survivor = leads[absorbed_id], leads[survivor_id]
        absorbed.merged_into = survivor_id
        absorbed.bump_identity()
        survivor.bump_identity()
        last_ms = absorbed.state.last[0] if absorbed.state.last else 0
        at_ms = max(scene.watermark_ms, last_ms)
        outcome.add_absorption(absorbed, survivor_id, at_ms)
        outcome.add_merge(survivor, absorbed_id, at_ms, *plan.why.get(absorbed_id, ("alias", "")))
        told.setdefault(survivor_id, set()).update(_reached(scene.ruleset, absorbed.journeys))
        _unite(scene.ruleset, survivor.journeys, absorbed.journeys)
        _empty(absorbed, outcome)
    return told


def _reached(ruleset: Ruleset, journeys: Iterable[JourneyState]) -> set[tuple[str, str]]:
    """Stages that were published of a lead: those up to where it stands."""
    found: set[tuple[str, str]] = set()
    for journey in journeys:
        ladder = ruleset.ladders.get(journey.name)
        if ladder is None or not journey.seq:
            continue
        found.add((journey.name, journey.stage))
        here = ladder.place.get(journey.stage, -1)
        found |= {(journey.name, name) for name, place in ladder.place.items() if place <= here}
    return found


def _unite(ruleset: Ruleset, own: list[JourneyState], others: Iterable[JourneyState]) -> None:
    """What sales has been told about one of them is not told again. (A hand-off that still waited
    for a name was not told.) Journeys that only the other was on are gone through again.
    """
    by_name = {journey.name: journey for journey in own}
    for other in others:
        told = other.handed_off[:-1] if other.waiting_seq else other.handed_off
        other.waiting_seq = 0
        journey = by_name.get(other.name)
        if journey is None:
            ladder = ruleset.ladders.get(other.name)
            if ladder is None:
                continue
            first = ladder.rungs[0].name
            journey = JourneyState(other.name, first, other.since_ms, other.since_ms)
            own.append(journey)
        # A hand-off that waits is the last of its journey's.
        before = [stage for stage in told if stage not in journey.handed_off]
        journey.handed_off = [*before, *journey.handed_off]


def _empty(lead: Lead, outcome: Outcome) -> None:
    outcome.drop_from(lead, 0)
    lead.state = new_state()
    lead.due_ms = None
    outcome.leads[lead.id] = lead


async def part(
    connection: Any,
    leads: Mapping[UUID, Lead],
    plan: Plan,
    first_ms: Mapping[UUID, int],
    scene: Scene,
    outcome: Outcome,
) -> None:
    """Leads that stand by themselves again, or for the first time: they and the lead they were part
    of go on with a change that says so. Absorbed leads that go with them follow. first_ms: of each
    lead's first event.
    """
    review = plan.review
    if review is None:
        return
    for lead_id, into in review.rejoined.items():
        leads[lead_id].merged_into = into
        leads[lead_id].bump_identity()
        outcome.leads[lead_id] = leads[lead_id]
    await _forget_what_others_were_told(connection, leads, review.revived)
    stood = await _stood(connection, review.revived)
    for lead_id, former_id in sorted((review.revived | review.parted).items()):
        lead, former = leads[lead_id], leads[former_id]
        lead.merged_into = None
        lead.bump_identity()
        former.bump_identity()
        before = stood.get(lead_id, {journey.name: journey.stage for journey in former.journeys})
        moves = _moves_back(scene.ruleset, former, before, scene.watermark_ms, review.actor)
        outcome.add_parting(former, lead_id, moves)
        if lead_id in review.revived:
            outcome.add_revival(lead, former_id, scene.watermark_ms, review.actor)
            outcome.undone.append(lead_id)
            _catch_up(scene.ruleset, lead, scene.watermark_ms)
        else:
            begin_ms = first_ms.get(lead_id, scene.watermark_ms)
            lead.journeys = new_journeys(scene.ruleset, begin_ms)
    outcome.undone_by = review.actor


async def _stood(connection: Any, revived: Mapping[UUID, UUID]) -> dict[UUID, dict[str, str]]:
    """By lead that stands again: where its survivor stood, by journey, when it took it in."""
    stood: dict[UUID, dict[str, str]] = {lead_id: {} for lead_id in revived}
    if revived:
        arguments = (list(revived.values()), list(revived))
        for _, absorbed, journey, stage in await connection.fetch(queries.STOOD, *arguments):
            stood[absorbed][journey] = stage
    return stood


def _moves_back(
    ruleset: Ruleset, lead: Lead, before: Mapping[str, str], at_ms: int, actor: str
) -> list[StageChange]:
    """A former survivor goes back to where it stood; at least its first journey says so, for it may
    stand there still. What it has earned by itself since is seen when its ladders are read.
    """
    moves = []
    for number, journey in enumerate(lead.journeys):
        ladder = ruleset.ladders.get(journey.name)
        first = ladder.rungs[0].name if ladder is not None else journey.stage
        stage, journey.stage = journey.stage, before.get(journey.name, first)
        if number and stage == journey.stage:
            continue
        if stage != journey.stage:
            journey.since_ms = at_ms
        journey.seq = last_seq(lead.journeys) + 1
        moves.append(StageChange(
            journey=journey.name, from_stage=stage, to_stage=journey.stage, at_ms=at_ms,
            seq=journey.seq, episode=journey.episode, cause="unmerge", actor=actor,
        ))  # fmt: skip
    return moves


def _catch_up(ruleset: Ruleset, lead: Lead, at_ms: int) -> None:
    """A lead that was absorbed before a journey was invented begins it now."""
    there = {journey.name for journey in lead.journeys}
    lead.journeys += [one for one in new_journeys(ruleset, at_ms) if one.name not in there]


async def _forget_what_others_were_told(
    connection: Any, leads: Mapping[UUID, Lead], revived: Mapping[UUID, UUID]
) -> None:
    """Of a former survivor, sales counts as told only what it was told of it under its own id."""
    if not revived:
        return
    rows = await connection.fetch(queries.REACHED, list(set(revived.values())))
    own = {tuple(row) for row in rows}
    for lead_id, former_id in revived.items():
        theirs = {one.name: one.handed_off for one in leads[lead_id].journeys}
        for journey in leads[former_id].journeys:
            journey.handed_off = [
                stage
                for stage in journey.handed_off
                if stage not in theirs.get(journey.name, ())
                or (former_id, journey.name, stage, journey.episode) in own
            ]

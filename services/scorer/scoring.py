"""Score: leads and their fresh events in, new states out. The hand-over from resolving is narrow:
each event has its lead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any
from uuid import UUID

from services.scorer.arrivals import Arrival, TooOldError
from services.scorer.core.by_time import scored_until_ms
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import (
    Release,
    any_by_hand,
    became_known,
    bound_after,
    extend,
    lower_bound,
)
from services.scorer.core.machines import MACHINES_TELLING, NEAR_MS, judged_again_from
from services.scorer.history import (
    CHECKPOINT_EVERY,
    fold_again,
    load_past,
    read_ladder_once,
    set_late_by_hand,
    settle_contested,
)
from services.scorer.leads import Lead
from services.scorer.mentions import claimed_anonymous_ids
from services.scorer.merging import absorb, part
from services.scorer.outcome import Outcome
from services.scorer.plan import Plan
from services.scorer.scene import Scene
from shared.decay import score_at
from shared.facts import Cause

NEVER_MS = 1 << 62
ByLead = dict[UUID, list[Arrival]]


async def score(
    connection: Any,
    leads: Mapping[UUID, Lead],
    plan: Plan,
    incoming: Sequence[Arrival],
    fresh: Sequence[Arrival],
    scene: Scene,
    outcome: Outcome,
) -> int:
    """Score the fresh events of locked leads. Returns how many leads were folded again.

    incoming: the fresh ones and the duplicates: identity was resolved over all of them.
    """
    switched = {lead_id for one in plan.contested.values() for lead_id in one.people}
    rerun = _reaches_back(leads, plan, incoming)
    whole = plan.merges.keys() | set(plan.merges.values()) | (switched if rerun else set())
    causes = plan.review.causes if plan.review else {}
    homes = plan.review.homes if plan.review else {}
    whole |= causes.keys()
    whole |= {
        lead.id
        for lead in leads.values()
        if lead.ruleset_version < scene.ruleset.version and lead.merged_into is None
    }
    by_lead = _grouped(fresh)
    late = {
        lead_id: since
        for lead_id, arrivals in by_lead.items()
        if lead_id not in whole
        and (since := _folded_from(scene.ruleset, leads[lead_id], arrivals)) is not None
    }
    if whole or late:
        carried = _carried(leads, whole | late.keys(), by_lead)
        past = await load_past(
            connection, scene.ruleset, late, whole - plan.created.keys(), carried
        )
        for stored in past.stored:
            home = plan.merges.get(stored.lead_id, stored.lead_id)
            stored.lead_id = homes.get(stored.key, home)
        if rerun:
            settle_contested(plan, incoming, past, scene.oldest_ms)
            by_lead = _grouped(fresh)  # events moved between leads that are folded whole anyway
        stored_of = past.by_home()
        first_ms = {
            lead_id: min(one.position[0] for one in (*line, *by_lead.get(lead_id, ())))
            for lead_id, line in stored_of.items()
        }
        await part(connection, leads, plan, first_ms, scene, outcome)
        told = absorb(leads, plan, scene, outcome)
        past.begin_carried(scene.ruleset, _parents(plan))
        again = (whole | late.keys()) - plan.merges.keys()
        for lead_id in sorted(again):
            lead = leads[lead_id]
            cause = causes.get(lead_id) or _cause(lead, scene.ruleset, lead_id in whole)
            line = [*stored_of.get(lead_id, ()), *by_lead.pop(lead_id, ())]
            fold_again(
                scene.ruleset, lead, past.bases.get(lead_id), line, outcome,
                past.from_ms.get(lead_id), past.turned.get(lead_id, ()),
            )  # fmt: skip
            set_late_by_hand(scene, lead, line, outcome)
            read_ladder_once(scene, lead, cause, outcome, told.get(lead_id, frozenset()))
            finish(scene.ruleset, lead, outcome)
    for lead_id, arrivals in by_lead.items():
        _score_in_order(leads[lead_id], arrivals, scene, outcome)
    touched = switched | (plan.review.touched & leads.keys() if plan.review else set())
    for lead_id in touched:
        leads[lead_id].bump_identity()
    for lead_id in plan.became_known:
        lead = leads[lead_id]
        for release in became_known(scene.ruleset, lead.state, lead.journeys):
            _release(lead, release, scene, outcome)
    for lead_id in plan.became_known | plan.created.keys() | touched:
        if lead_id not in outcome.leads:
            finish(scene.ruleset, leads[lead_id], outcome)
    return len(whole) + len(late)


def _release(lead: Lead, release: Release, scene: Scene, outcome: Outcome) -> None:
    at_ms = lead.state.last[0] if lead.state.last else scene.watermark_ms
    scores = {name: round(score_at(model, at_ms), 6) for name, model in lead.state.models.items()}
    outcome.add_release(lead, release, at_ms, scores)


def _grouped(fresh: Iterable[Arrival]) -> ByLead:
    """Each lead's events in order of occurrence."""
    by_lead: ByLead = {}
    for arrival in fresh:
        assert arrival.lead_id is not None
        if (line := by_lead.get(arrival.lead_id)) is None:
            by_lead[arrival.lead_id] = [arrival]
        else:
            line.append(arrival)
    for line in by_lead.values():
        if len(line) > 1:
            line.sort(key=attrgetter("position"))
    return by_lead


def _folded_from(ruleset: Ruleset, lead: Lead, arrivals: list[Arrival]) -> int | None:
    """The instant from which on a lead must be folded again, None if events can be added to it:
    because one is late, or mails turn out to be read by a machine.
    """
    telling = any(one.event.type in MACHINES_TELLING for one in arrivals)
    if _is_late(lead, arrivals):
        since = arrivals[0].at_ms
        if not telling:
            return since
        events = [one.event for one in arrivals]
        judged = judged_again_from(ruleset.machines, lead.state, events)
        return max(min(since - NEAR_MS, since if judged is None else judged), 0)
    if telling:
        events = [one.event for one in arrivals]
        return judged_again_from(ruleset.machines, lead.state, events)
    return None


def _is_late(lead: Lead, arrivals: list[Arrival]) -> bool:
    """Is an event older than what was folded, be it an event or what time brought?"""
    last = lead.state.last
    if last is None:
        return False
    # (Equal: what was deleted since comes again.)
    return arrivals[0].position <= last or arrivals[0].at_ms < scored_until_ms(lead.state)


def _carried(leads: Mapping[UUID, Lead], again: Iterable[UUID], by_lead: ByLead) -> list[UUID]:
    """The leads whose past is partly deleted. Raises TooOldError for events from there."""
    carried = [lead_id for lead_id in again if leads[lead_id].state.carried_ms >= 0]
    too_old = [
        arrival
        for lead_id in carried
        for arrival in by_lead.get(lead_id, ())
        if arrival.at_ms <= leads[lead_id].state.carried_ms
    ]
    if too_old:
        raise TooOldError(too_old)
    return carried


def _parents(plan: Plan) -> dict[UUID, UUID | None]:
    """Leads that are merged into others now, and those that stand again (None)."""
    parents: dict[UUID, UUID | None] = dict(plan.merges)
    if plan.review is not None:
        parents |= plan.review.rejoined
        parents |= dict.fromkeys(plan.review.revived)
    return parents


def _reaches_back(leads: Mapping[UUID, Lead], plan: Plan, incoming: Sequence[Arrival]) -> bool:
    """Do contested anonymous ids change whose the stored events are? Not when all that happened
    on them in this batch is newer than all that is stored of the people concerned.
    """
    for anonymous_id, anonymous in plan.contested.items():
        absorbed = {old for old, new in plan.merges.items() if new in anonymous.people}
        lasts = [leads[lead_id].state.last for lead_id in anonymous.people | absorbed]
        newest_ms = max((last[0] for last in lasts if last is not None), default=-1)
        for arrival in incoming:
            if arrival.at_ms <= newest_ms and (
                arrival.event.identifiers.anonymous_id == anonymous_id
                or anonymous_id in claimed_anonymous_ids(arrival.mention)
            ):
                return True
    return False


def _cause(lead: Lead, ruleset: Ruleset, whole: bool) -> Cause:
    if lead.ruleset_version < ruleset.version:
        return "recalculation"
    return "merge" if whole else "history"


def _score_in_order(lead: Lead, arrivals: list[Arrival], scene: Scene, outcome: Outcome) -> None:
    """Extend a lead's state by events newer than all it has."""
    ruleset = scene.ruleset
    count_before = lead.state.events
    by_hand = any_by_hand(lead.journeys)
    extended = extend(
        ruleset,
        lead.state,
        lead.journeys,
        [one.event for one in arrivals],
        lead.known,
        [one.position for one in arrivals],
        # A lead that is stored with no bound is one that time does not move.
        0 if lead.is_new else lead.due_ms or NEVER_MS,
    )
    lead.state, lead.journeys = extended.state, extended.journeys
    outcome.entries += sum(map(len, extended.entries))
    outcome.events += zip(arrivals, repeat(lead.id), extended.entries)
    count = lead.state.events
    if count // CHECKPOINT_EVERY != count_before // CHECKPOINT_EVERY:
        # Before time goes on: a late event is folded onto it.
        outcome.add_checkpoints(lead, [(count, lead.state)])
    if extended.time_entries:
        outcome.add_time_entries(lead, extended.time_entries)
    if extended.changes:
        outcome.add_changes(lead, extended.changes)
    if extended.needs_settle:
        read_ladder_once(scene, lead, "history", outcome)
    moved = bool(extended.changes) or extended.needs_settle or lead.is_new
    lead.due_ms = bound_after(
        ruleset, lead.state, lead.journeys, extended.entries, lead.due_ms, moved=moved or by_hand
    )
    outcome.leads[lead.id] = lead


def finish(ruleset: Ruleset, lead: Lead, outcome: Outcome) -> None:
    """Note that the lead is to be saved, with a lower bound of its next time-driven change."""
    lead.due_ms = lower_bound(ruleset, lead.state, lead.journeys, lead.due_ms)
    outcome.leads[lead.id] = lead

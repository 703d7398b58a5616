"""Old events go; what they came to is carried forward."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from services.scorer.carries import Carries, keep_carries, load_carries
from services.scorer.core.carrying import Carried, carried, restored
from services.scorer.core.compiled import Ruleset
from services.scorer.core.dividing import Division
from services.scorer.core.fold import fold_scores, new_state, position
from services.scorer.leads import Lead, loaded_lead
from services.scorer.mentions import mention_of
from services.scorer.queries import CHECKPOINTS, LOCK_LEADS
from services.scorer.retention import queries
from services.scorer.retention.steps import Step, Sweep, deleted, leads_with_events
from services.scorer.scene import Scene
from shared.bodies import open_body
from shared.envelope import Event, decode_event
from shared.identity import ANONYMOUS, Identifier
from shared.lead_state import ScoreState, decode_scores, encode_scores

# By identifier of a lead: the runs in which it is this lead's, and for whom each was put down.
Origins = dict[Identifier, list[tuple[int, UUID]]]


@dataclass(slots=True)
class _Old:
    """What is known of some leads up to the horizon."""

    carries: Carries
    events: dict[UUID, list[Event]] = field(default_factory=dict)
    checkpoints: dict[UUID, ScoreState] = field(default_factory=dict)
    origins: dict[UUID, Origins] = field(default_factory=dict)


async def fold_old_events(connection: Any, scene: Scene, sweep: Sweep) -> Step:
    """Fold the events up to the horizon of some leads into what is carried of them, and delete
    them. Inside the caller's transaction. Leads are locked in order of id, as batches do.
    """
    wanted, step = await leads_with_events(connection, sweep, -1)
    if not wanted:
        return step
    leads = [loaded_lead(row) for row in await connection.fetch(LOCK_LEADS, wanted)]
    leads = [lead for lead in leads if lead.merged_into is None]
    if any(lead.ruleset_version != scene.ruleset.version for lead in leads):
        return Step(waits=True)  # recalculation comes first
    old = await _read(connection, scene.ruleset, leads, sweep)
    parts = old.carries.parts_of()
    kept: list[tuple[UUID, Carried]] = []
    newest: dict[UUID, int] = {}
    for lead in leads:
        line = sorted(old.events.get(lead.id, ()), key=position)
        if not line:
            continue  # merged into another between looking and locking
        shares = _folded(scene.ruleset, lead, line, parts[lead.id], old)
        for share in shares.values():
            share.carried_ms = sweep.until_ms
        kept += [(one, carried(scene.ruleset, share)) for one, share in shares.items()]
        newest[lead.id] = position(line[-1])[0]
        lead.state.carried_ms = sweep.until_ms
        await asyncio.sleep(0)
    gone = await _write(connection, [one for one in leads if one.id in newest], kept, newest, sweep)
    return replace(step, gone=gone)


def _folded(
    ruleset: Ruleset, lead: Lead, line: list[Event], parts: set[UUID], old: _Old
) -> dict[UUID, ScoreState]:
    """The states to carry from now on, by original lead."""
    before = {one: old.carries.carried[one] for one in parts if one in old.carries.carried}
    if len(parts) == 1:
        base = old.checkpoints.get(lead.id)
        if base is None:
            base = restored(ruleset, list(before.values()))[0] if before else new_state()
        last = base.last
        newer = [one for one in line if last is None or position(one) > last]
        return {lead.id: fold_scores(ruleset, base, newer).state}
    shares = {one: restored(ruleset, [share])[0] for one, share in before.items()}
    division = Division(ruleset, lead.id, shares)
    origins = old.origins.get(lead.id, {})
    for event in line:
        original = _original(event, origins)
        division.fold(event, original if original in parts else lead.id)
    return division.divided()


def _original(event: Event, origins: Origins) -> UUID | None:
    """The lead that an event was of before merges: that of its strongest name, else of its
    anonymous id then.
    """
    mention = mention_of(event)
    name = mention.names[0] if mention.names else (ANONYMOUS, mention.anonymous_id or "")
    at_ms = position(event)[0]
    runs = [origin for since_ms, origin in origins.get(name, ()) if since_ms <= at_ms]
    return runs[-1] if runs else None


async def _read(connection: Any, ruleset: Ruleset, leads: Iterable[Lead], sweep: Sweep) -> _Old:
    ids = [lead.id for lead in leads]
    old = _Old(await load_carries(connection, ids))
    rows = await connection.fetch(queries.EVENTS_OF, ids, -1, sweep.until_ms)
    for _, lead_id, body in rows:
        old.events.setdefault(lead_id, []).append(decode_event(open_body(body)))
    before_ms = [sweep.until_ms + 1] * len(ids)
    for row in await connection.fetch(CHECKPOINTS, ids, before_ms, ruleset.version):
        old.checkpoints[row["lead_id"]] = decode_scores(row["scores"])
    merged = [lead_id for lead_id, parts in old.carries.parts_of().items() if len(parts) > 1]
    rows = await connection.fetch(queries.ORIGINS, merged) if merged else []
    for lead_id, kind, value, since_ms, origin in rows:
        origins = old.origins.setdefault(lead_id, {})
        origins.setdefault((kind, value), []).append((since_ms, origin))
    return old


async def _write(
    connection: Any,
    leads: list[Lead],
    kept: list[tuple[UUID, Carried]],
    newest: Mapping[UUID, int],
    sweep: Sweep,
) -> int:
    """Returns how many events are gone."""
    ids = [lead.id for lead in leads]
    await keep_carries(connection, kept)
    gone = deleted(await connection.execute(queries.DROP_EVENTS, ids, sweep.until_ms))
    await connection.execute(queries.DROP_TIME_ENTRIES, list(newest), list(newest.values()))
    await connection.execute(queries.DROP_CHECKPOINTS, ids, sweep.until_ms)
    scores = [encode_scores(lead.state) for lead in leads]
    await connection.execute(queries.SAVE_SCORES, ids, scores)
    return gone

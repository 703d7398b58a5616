"""Old events of robots go. They earned nothing, and nothing else is changed by their absence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec

from services.scorer.carries import load_carries
from services.scorer.core.fold import position
from services.scorer.leads import loaded_lead
from services.scorer.queries import DROP_CHECKPOINTS, LOCK_LEADS
from services.scorer.retention import queries
from services.scorer.retention.steps import Step, Sweep, leads_with_events
from services.scorer.scene import Scene
from shared.bodies import open_body
from shared.envelope import Verdict, decode_event
from shared.lead_state import Position, encode_scores


class _Head(msgspec.Struct):
    verdict: Verdict = Verdict()


_heads = msgspec.json.Decoder(_Head)


def is_bot(body: bytes) -> bool:
    """Did a robot make this event?"""
    return _heads.decode(body).verdict.judgement == "bot"


async def drop_bots(connection: Any, scene: Scene, sweep: Sweep) -> Step:
    """Delete some leads' events that robots made, and count them no more. Inside the caller's
    transaction. Each event is looked at once (twice, about where sweeps meet).
    """
    del scene
    wanted, step = await leads_with_events(connection, sweep, sweep.since_ms)
    if not wanted:
        return step
    rows = await connection.fetch(queries.EVENTS_OF, wanted, sweep.since_ms, sweep.until_ms)
    bodies = {key: (lead_id, open_body(body)) for key, lead_id, body in rows}
    bots = {key: lead_id for key, (lead_id, body) in bodies.items() if is_bot(body)}
    if not bots:
        return step
    locked = await connection.fetch(LOCK_LEADS, sorted(set(bots.values())))
    leads = {row["id"]: loaded_lead(row) for row in locked}
    gone = await connection.fetch(queries.DROP_BOTS, list(bots), list(leads))
    first_ms: dict[UUID, int] = {}
    headless: set[UUID] = set()
    for key, lead_id, at_ms in gone:
        state = leads[lead_id].state
        state.events -= 1
        first_ms[lead_id] = min(first_ms.get(lead_id, at_ms), at_ms)
        if state.last is not None and state.last == position(decode_event(bodies[key][1])):
            headless.add(lead_id)
    lasts = await _newest(connection, headless)
    for lead_id in headless:
        leads[lead_id].state.last = lasts.get(lead_id)
    # Checkpoints count the events before them.
    await connection.execute(DROP_CHECKPOINTS, list(first_ms), list(first_ms.values()))
    scores = [encode_scores(leads[lead_id].state) for lead_id in first_ms]
    await connection.execute(queries.SAVE_SCORES, list(first_ms), scores)
    return replace(step, gone=len(gone))


async def _newest(connection: Any, leads: set[UUID]) -> dict[UUID, Position]:
    """The place of each lead's newest event, be it stored or carried."""
    if not leads:
        return {}
    found: dict[UUID, Position] = {}
    carries = await load_carries(connection, leads)
    for lead_id, kept in carries.by_holder({}).items():
        places = [one.state.last for one in kept if one.state.last is not None]
        if places:
            found[lead_id] = max(places)
    for lead_id, body in await connection.fetch(queries.NEWEST_EVENTS, list(leads)):
        place = position(decode_event(open_body(body)))
        found[lead_id] = max(found.get(lead_id, place), place)
    return found

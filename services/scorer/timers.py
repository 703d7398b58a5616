"""Time that acts by itself: leads at which something is due without an event."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from services.scorer import queries
from services.scorer.core.fold import advance
from services.scorer.history import fold_again, load_past, read_ladder_once
from services.scorer.leads import Lead, loaded_lead
from services.scorer.outcome import Outcome
from services.scorer.scene import Scene
from services.scorer.scoring import finish
from services.scorer.writing import write_outcome

LEADS_AT_ONCE = 500
# After so many the batches in flight have a turn: they would wait for all, at each of their steps.
LEADS_AT_A_STRETCH = 50


async def act_on_time(connection: Any, scene: Scene) -> tuple[int, int]:
    """See to the leads that are due by the watermark, inside the caller's transaction.

    Returns (leads seen to, stage changes). Fewer leads than LEADS_AT_ONCE: none is left.
    """
    rows = await connection.fetch(
        queries.DUE_LEADS, scene.ruleset.version, scene.watermark_ms, LEADS_AT_ONCE
    )
    outcome = Outcome(scene.shards, scene.accounts is not None)
    for number, row in enumerate(rows, 1):
        lead = loaded_lead(row)
        settled = advance(scene.ruleset, lead.state, lead.journeys, scene.watermark_ms, lead.known)
        lead.journeys = settled.journeys
        outcome.add_time_entries(lead, settled.time_entries)
        outcome.add_changes(lead, settled.changes)
        lead.due_ms = None  # the bound was reached: find the true instant
        finish(scene.ruleset, lead, outcome)
        if number % LEADS_AT_A_STRETCH == 0:
            await asyncio.sleep(0)
    await write_outcome(connection, outcome)
    return len(rows), len(outcome.changes)


async def recalculate(connection: Any, scene: Scene, leads_at_once: int = 100) -> int:
    """Score some leads again that stand under an older ruleset, inside the caller's transaction.

    Quiet: stage changes say that a recalculation caused them, and their hand-offs are withheld,
    unless the version was published with hand-offs.
    Returns how many leads were seen to; 0: none is left that nobody else holds.
    """
    rows = await connection.fetch(queries.OUTDATED_LEADS, scene.ruleset.version, leads_at_once)
    outcome = Outcome(scene.shards, scene.accounts is not None)
    await score_anew(connection, scene, [loaded_lead(row) for row in rows], outcome)
    await write_outcome(connection, outcome)
    return len(rows)


async def score_anew(
    connection: Any, scene: Scene, leads: Sequence[Lead], outcome: Outcome
) -> None:
    """Fold the whole history of locked leads under the scene's ruleset, and read their ladders
    once, as a recalculation.
    """
    standing = [lead.id for lead in leads if lead.merged_into is None]
    past = await load_past(connection, scene.ruleset, {}, standing, standing)
    past.begin_carried(scene.ruleset, {})
    homes = past.by_home()
    for lead in leads:
        lead.ruleset_version = scene.ruleset.version
        lead.due_ms = None
        if lead.merged_into is None:
            line = homes.get(lead.id, [])
            fold_again(
                scene.ruleset, lead, past.bases.get(lead.id), line, outcome,
                past.from_ms.get(lead.id), past.turned.get(lead.id, ()),
            )  # fmt: skip
            read_ladder_once(scene, lead, "recalculation", outcome)
            finish(scene.ruleset, lead, outcome)
            await asyncio.sleep(0)  # a whole history may be long
        else:
            outcome.leads[lead.id] = lead

"""Visitors without a name who have not been back for long go, with all that is kept of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.scorer.accounts import dirty_rows
from services.scorer.leads import Lead, loaded_lead
from services.scorer.queries import LOCK_LEADS
from services.scorer.retention import queries
from services.scorer.retention.steps import LEADS_A_LOOK, LEADS_A_STEP, Step, Sweep, deleted
from services.scorer.scene import Scene


async def drop_visitors(connection: Any, scene: Scene, sweep: Sweep) -> Step:
    """Delete some anonymous leads that nothing has happened to since the horizon, and that nobody
    was told of. Inside the caller's transaction.
    """
    rows = await connection.fetch(queries.STALE_VISITORS, sweep.after, sweep.until_ms, LEADS_A_LOOK)
    wanted = [lead_id for lead_id, is_stale in rows if is_stale][:LEADS_A_STEP]
    is_all = len(wanted) < LEADS_A_STEP
    last = (rows[-1][0] if is_all else wanted[-1]) if rows else sweep.after
    looked = sum(lead_id <= last for lead_id, _ in rows)
    step = Step(str(last), looked, ended=is_all and len(rows) < LEADS_A_LOOK)
    if not wanted:
        return step
    leads = [loaded_lead(row) for row in await connection.fetch(LOCK_LEADS, wanted)]
    told = {row[0] for row in await connection.fetch(queries.TO_BE_TOLD, wanted)}
    ids = [one.id for one in leads if one.id not in told and _is_idle(one, sweep.until_ms)]
    if not ids:
        return step
    gone = {
        table: deleted(await connection.execute(statement, ids))
        for table, statement in queries.DROP_LEADS.items()
    }
    if scene.accounts is not None:
        await connection.copy_records_to_table(
            "account_dirty_lead", records=dirty_rows(ids), columns=("shard", "lead_id")
        )
    return replace(step, gone=gone["lead"])


def _is_idle(lead: Lead, until_ms: int) -> bool:
    """Is it still as it was when it was found, now that it is locked, and was it never told of?"""
    return (
        not lead.known
        and lead.merged_into is None
        and (lead.state.last is None or lead.state.last[0] <= until_ms)
        and not any(journey.handed_off or journey.waiting_seq for journey in lead.journeys)
    )

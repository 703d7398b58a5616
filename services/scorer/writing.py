"""Writing what a transaction decided: a few set-based statements."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from services.scorer import queries
from services.scorer.accounts import dirty_rows
from services.scorer.assignment import ScopeRow
from services.scorer.leads import Lead, identity_columns, new_row, scored_columns
from services.scorer.outcome import Outcome
from services.scorer.plan import Plan
from shared.bodies import pack_body
from shared.identity import ANONYMOUS
from shared.ledger import encode_entries


async def write_identity(connection: Any, plan: Plan) -> None:
    """Identifiers that change hands. (New ones were put down before the leads were locked.)"""
    if plan.merges:
        await connection.execute(
            queries.ABSORB_IDENTIFIERS, list(plan.merges), list(plan.merges.values())
        )
    claims = {value: claim for value, claim in plan.claims.items() if value not in plan.contested}
    if claims:
        await connection.execute(
            queries.CLAIM_ANONYMOUS, list(claims), [at_ms for at_ms, _ in claims.values()],
            [lead_id for _, lead_id in claims.values()],
        )  # fmt: skip
    if plan.contested:
        dropped = await connection.fetch(queries.DROP_RUNS, list(plan.contested))
        origins = {value: origin for value, since_ms, origin in dropped if not since_ms}
        await _put_identifiers(connection, [
            ScopeRow(
                ANONYMOUS, value, run.since_ms, None if index else one.claimed_ms, run.lead_id,
                run.lead_id if index else origins.get(value, run.lead_id), one.marks_at(run),
            )
            for value, one in plan.contested.items()
            for index, run in enumerate(one.runs)
        ])  # fmt: skip
    if plan.review is not None:
        kinds = [kind for kind, _ in plan.review.identifiers]
        values = [value for _, value in plan.review.identifiers]
        await connection.execute(queries.DROP_IDENTIFIERS, kinds, values)
        await _put_identifiers(connection, plan.review.rows)
        for at_ms, source, event_id, apart in plan.review.partings:
            sides = ([bytes.fromhex(one) for one in sorted(side)] for side in apart)
            await connection.execute(queries.ADD_PARTING, at_ms, source, event_id, *sides)
    if plan.mentions:
        mentions = [list(column) for column in zip(*sorted(plan.mentions), strict=True)]
        await connection.execute(queries.ADD_MENTIONS, *mentions)


async def _put_identifiers(connection: Any, rows: Iterable[ScopeRow]) -> None:
    columns = [list(column) for column in zip(*sorted(rows), strict=True)]
    if columns:
        await connection.execute(queries.PUT_IDENTIFIERS, *columns)


async def write_outcome(connection: Any, outcome: Outcome) -> None:
    """Events, what time gave, leads, checkpoints, stage history, outbox. Nothing is sent for what
    is empty.
    """
    if outcome.rewrites:
        keys: list[UUID] = list(outcome.rewrites)
        homes = [lead_id for lead_id, _ in outcome.rewrites.values()]
        entries = [entries for _, entries in outcome.rewrites.values()]
        await connection.execute(queries.REWRITE_EVENTS, keys, homes, entries)
    if outcome.stale_checkpoints:
        await connection.execute(
            queries.DROP_CHECKPOINTS,
            list(outcome.stale_checkpoints),
            list(outcome.stale_checkpoints.values()),
        )
    if outcome.stale_time_entries:
        await connection.execute(
            queries.DROP_TIME_ENTRIES,
            list(outcome.stale_time_entries),
            list(outcome.stale_time_entries.values()),
        )
    await _copy(connection, "event", queries.EVENT_COLUMNS, _event_rows(outcome))
    await _save_leads(connection, [outcome.leads[lead_id] for lead_id in sorted(outcome.leads)])
    await _copy(connection, "time_entry", queries.TIME_ENTRY_COLUMNS, outcome.time_entries)
    await _copy(connection, "checkpoint", queries.CHECKPOINT_COLUMNS, outcome.checkpoints)
    await _copy(connection, "stage_history", queries.STAGE_HISTORY_COLUMNS, outcome.changes)
    await _copy(connection, "outbox", queries.OUTBOX_COLUMNS, outcome.facts)
    await _copy(connection, "lead_merge", queries.LEAD_MERGE_COLUMNS, outcome.merges)
    if outcome.undone:
        now_ms = await connection.fetchval(queries.NOW_MS)
        await connection.execute(queries.MERGES_UNDONE, outcome.undone, now_ms, outcome.undone_by)
    if outcome.has_accounts:
        dirty = dirty_rows(outcome.leads)
        await _copy(connection, "account_dirty_lead", ("shard", "lead_id"), dirty)


def _event_rows(outcome: Outcome) -> list[tuple[Any, ...]]:
    """Step by step over the whole batch, so that the packer's dictionary stays in the processor's
    cache: that makes the scorer's Python a tenth faster.
    """
    bodies = [pack_body(arrival.record.value or b"") for arrival, _, _ in outcome.events]
    earned = [encode_entries(entries) for _, _, entries in outcome.events]
    return [
        (arrival.key, lead_id, arrival.at_ms, body, entries)
        for (arrival, lead_id, _), body, entries in zip(outcome.events, bodies, earned, strict=True)
    ]


async def _save_leads(connection: Any, leads: list[Lead]) -> None:
    new = [new_row(lead) for lead in leads if lead.is_new]
    await _copy(connection, "lead", queries.LEAD_COLUMNS, new)
    stored = [lead for lead in leads if not lead.is_new] if new else leads
    if stored:
        await connection.execute(queries.SAVE_LEADS, *scored_columns(stored))
    changed = [lead for lead in stored if lead.identity_changed]
    if changed:
        await connection.execute(queries.SAVE_LEAD_IDENTITIES, *identity_columns(changed))


async def _copy(
    connection: Any, table: str, columns: tuple[str, ...], rows: list[tuple[Any, ...]]
) -> None:
    if rows:
        await connection.copy_records_to_table(table, records=rows, columns=columns)

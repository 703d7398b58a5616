"""Storing hand-offs, in the transaction that marks their facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from shared.facts import AnyFact
from shared.handoff_states import State

# One that waited, or was withheld, is there already when it goes out; an answer never is.
KEEP = """
INSERT INTO handoff (id, lead_id, kind, journey, stage, episode, seq, ruleset_version, handed_ms,
                     status, status_ms, owner, bands, grade, source, rules, due_ms, clock,
                     clock_ms, fact)
SELECT k.id, k.lead_id, k.kind, k.journey, k.stage, k.episode, k.seq, k.version, k.at_ms,
       k.status, k.at_ms, k.owner, k.bands, k.grade, k.source,
       ARRAY(SELECT jsonb_array_elements_text(k.rules)), k.due_ms, k.clock, k.clock_ms, k.fact
FROM jsonb_to_recordset($1::jsonb) AS k (
       id uuid, lead_id uuid, kind text, journey text, stage text, episode int, seq int,
       version int, at_ms bigint, status text, owner text, bands jsonb, grade text, source text,
       rules jsonb, due_ms bigint, clock jsonb, clock_ms bigint, fact jsonb)
JOIN lead AS l ON l.id = k.lead_id
ON CONFLICT (id) DO UPDATE
SET status = excluded.status, status_ms = excluded.status_ms, handed_ms = excluded.handed_ms,
    owner = excluded.owner, bands = excluded.bands, grade = excluded.grade,
    source = excluded.source, rules = excluded.rules, due_ms = excluded.due_ms,
    clock = excluded.clock, clock_ms = excluded.clock_ms, fact = excluded.fact
WHERE handoff.status IN ('waiting', 'withheld', 'suppressed')
"""
# Those of these that a person dropped while they waited.
DROPPED = """
SELECT id::text AS id FROM handoff WHERE id = ANY ($1::uuid[]) AND status = 'dropped'
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A row of the table handoff; see shared.tables."""

    id: UUID
    lead_id: str
    kind: str
    journey: str
    stage: str
    episode: int
    seq: int
    version: int
    at_ms: int
    status: State
    owner: str | None = None
    bands: Mapping[str, str] = field(default_factory=dict)
    grade: str | None = None
    source: str = ""
    rules: Sequence[str] = ()
    due_ms: int | None = None
    clock: Sequence[tuple[str, int]] = ()
    clock_ms: int | None = None
    fact: AnyFact | None = None


async def keep(connection: Any, kept: Sequence[Kept]) -> None:
    """Store them; what sales has answered already is left alone."""
    by_id = {each.id: each for each in kept}  # a release beside the wait: the later one
    if by_id:
        rows = msgspec.json.encode(list(by_id.values())).decode()
        await connection.execute(KEEP, rows)

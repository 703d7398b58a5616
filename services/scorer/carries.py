"""What is carried forward of leads whose history is partly deleted, and whose it is now."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from services.scorer.core.carrying import Carried, encode_counts, stored_carried
from shared.decay import score_at
from shared.lead_state import encode_scores

# Leads with all that were merged into them, and what is carried of each.
CARRIES = """
WITH RECURSIVE part AS (
    SELECT id, merged_into FROM lead WHERE id = ANY($1::uuid[])
     UNION
    SELECT l.id, l.merged_into FROM part JOIN lead l ON l.merged_into = part.id)
SELECT part.id, part.merged_into, c.scores, c.ruleset_version, c.counts
  FROM part LEFT JOIN carry c ON c.lead_id = part.id
"""

KEEP_CARRIES = """
INSERT INTO carry (lead_id, until_ms, events, ruleset_version, scores, counts,
                   points)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::int[], $5::bytea[], $6::bytea[],
                     $7::jsonb[])
ON CONFLICT (lead_id) DO UPDATE
   SET until_ms = excluded.until_ms, events = excluded.events, scores = excluded.scores,
       counts = excluded.counts,
       ruleset_version = excluded.ruleset_version, points = excluded.points
"""


@dataclass(slots=True)
class Carries:
    """carried: by original lead · parents: of all leads that were read, into whom each was merged,
    None for those that stand.
    """

    carried: dict[UUID, Carried] = field(default_factory=dict)
    parents: dict[UUID, UUID | None] = field(default_factory=dict)

    def by_holder(self, changed: Mapping[UUID, UUID | None]) -> dict[UUID, list[Carried]]:
        """What is carried of each lead that stands. changed: parents that are others by now."""
        parents = self.parents | dict(changed)
        found: dict[UUID, list[Carried]] = {}
        for original in sorted(self.carried):
            found.setdefault(_root(parents, original), []).append(self.carried[original])
        return found

    def parts_of(self) -> dict[UUID, set[UUID]]:
        """By lead that stands: the leads it is made of, itself among them."""
        found: dict[UUID, set[UUID]] = {}
        for lead_id in self.parents:
            found.setdefault(_root(self.parents, lead_id), set()).add(lead_id)
        return found


def _root(parents: Mapping[UUID, UUID | None], lead_id: UUID) -> UUID:
    while (parent := parents.get(lead_id)) is not None:
        lead_id = parent
    return lead_id


async def load_carries(connection: Any, leads: Collection[UUID]) -> Carries:
    """What is carried of leads, and of all that were merged into them."""
    found = Carries()
    for lead_id, parent, scores, version, counts in await connection.fetch(CARRIES, list(leads)):
        found.parents[lead_id] = parent
        if scores is not None:
            found.carried[lead_id] = stored_carried(scores, version, counts)
    return found


async def keep_carries(connection: Any, made: Iterable[tuple[UUID, Carried]]) -> None:
    """Write what is carried from now on, by original lead."""
    rows = []
    for lead_id, one in made:
        state = one.state
        at_ms = state.last[0] if state.last is not None else state.carried_ms
        points = {name: round(score_at(model, at_ms), 6) for name, model in state.models.items()}
        rows.append((
            lead_id, state.carried_ms, state.events, one.version, encode_scores(state),
            encode_counts(one),
            msgspec.json.encode(points).decode(),
        ))  # fmt: skip
    if rows:
        await connection.execute(
            KEEP_CARRIES, *[list(column) for column in zip(*rows, strict=True)]
        )

"""Giving leads to owners, with what is stored of who has whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.router.outbox import Pool
from services.router.owners import Candidate, Given, Team, owner_for
from shared.lead_state import ScoreState
from shared.merged_leads import FAMILY

# One router after the other gives leads away, so that turns are taken in turn.
LOCK = "SELECT pg_advisory_xact_lock(0x6f776e65, 0)"
# Whose the person is, under whichever of its ids: the lead's own owner first, then the newest.
FORMER = (
    FAMILY
    + """
SELECT DISTINCT ON (f.lead_id) f.lead_id::text, o.owner, f.id = f.lead_id AS own FROM family AS f
JOIN lead_owner AS o ON o.lead_id = f.id
ORDER BY f.lead_id, f.id = f.lead_id DESC, o.since_ms DESC
"""
)
# Who has the most of a lead's company, the lead itself left out; of equals the first by name.
OF_COMPANY = """
SELECT DISTINCT ON (me.lead_id) me.lead_id::text, o.owner
FROM account_member AS me
JOIN account_member AS other ON other.account = me.account AND other.lead_id <> me.lead_id
JOIN lead_owner AS o ON o.lead_id = other.lead_id
WHERE me.lead_id = ANY ($1::uuid[])
GROUP BY me.lead_id, o.owner ORDER BY me.lead_id, count(*) DESC, o.owner
"""
TURNS = "SELECT owner, given FROM owner_turn"
GIVE = """
INSERT INTO lead_owner (lead_id, owner, why, since_ms)
SELECT w.lead_id, w.owner, w.why, $4
FROM unnest($1::uuid[], $2::text[], $3::text[]) AS w (lead_id, owner, why)
JOIN lead AS l ON l.id = w.lead_id
ON CONFLICT (lead_id) DO UPDATE
SET owner = excluded.owner, why = excluded.why, since_ms = excluded.since_ms
"""
COUNT = """
INSERT INTO owner_turn (owner, given) SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (owner) DO UPDATE SET given = excluded.given
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A lead that needs an owner, now; but: not one of these."""

    lead_id: str
    state: ScoreState
    team: Team
    at_ms: int
    but: Sequence[str] = ()


async def give(pool: Pool, wanted: Sequence[Wanted]) -> dict[str, str | None]:
    """The owner of each lead, by lead; None where nobody fits. Stored before it is published, so
    that a message that is made again names the same one.
    """
    async with pool.acquire() as connection, connection.transaction():
        return await give_within(connection, wanted)


async def give_within(connection: Any, wanted: Sequence[Wanted]) -> dict[str, str | None]:
    """The same inside the caller's transaction."""
    ids = [each.lead_id for each in wanted]
    await connection.execute(LOCK)
    stored = await connection.fetch(FORMER, ids)
    former: dict[str, str] = {row[0]: row[1] for row in stored}
    own = {row[0] for row in stored if row[2]}
    of_company = {row[0]: row[1] for row in await connection.fetch(OF_COMPANY, ids)}
    turns: dict[str, int] = {row[0]: row[1] for row in await connection.fetch(TURNS)}
    found: dict[str, Given] = {}
    counted: dict[str, int] = {}
    for each in wanted:
        lead = Candidate(
            each.lead_id, each.state, former.get(each.lead_id), of_company.get(each.lead_id)
        )
        made = owner_for(each.team, lead, turns, each.at_ms, each.but)
        if each.lead_id in found and made.owner == found[each.lead_id].owner:
            continue  # a lead that is handed over twice in a chunk
        found[each.lead_id] = made
        if made.owner is not None:
            former[each.lead_id] = made.owner
            if made.why == "turn":
                turns[made.owner] = counted[made.owner] = made.turns
    new = {
        lead: made
        for lead, made in found.items()
        if made.owner is not None and (made.why != "former" or lead not in own)
    }
    if new:
        at_ms = max(each.at_ms for each in wanted)
        await connection.execute(
            GIVE, list(new), [one.owner for one in new.values()],
            [one.why for one in new.values()], at_ms,
        )  # fmt: skip
    if counted:
        await connection.execute(COUNT, list(counted), list(counted.values()))
    return {lead: made.owner for lead, made in found.items()}

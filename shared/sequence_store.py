"""Every statement about enrolments that more than one service makes, named and described."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from shared.ids import MESSAGE_NAMESPACE

# Entered: looked at by the router's clock within a second. Who is on it already stays where it is.
ENTER = """
INSERT INTO sequence_enrolment (id, lead_id, sequence, version, status, entered_ms, due_ms)
SELECT w.id, w.lead_id, w.sequence, w.version, 'entered', w.at_ms, w.at_ms
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::bigint[])
     AS w (id, lead_id, sequence, version, at_ms)
JOIN lead AS l ON l.id = w.lead_id
ON CONFLICT DO NOTHING
"""
LEAVE = """
UPDATE sequence_enrolment AS e
SET status = 'ended', ended_ms = w.at_ms, due_ms = NULL, why = w.why
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[]) AS w (lead_id, sequence, at_ms, why)
WHERE e.lead_id = w.lead_id AND e.sequence = w.sequence AND e.status <> 'ended'
"""


def enrolment_id(lead_id: str, sequence: str, place: str | int) -> UUID:
    """Made from content, so that the same reason to begin begins once. place: of the fact, or what
    a person's order is known by.
    """
    return uuid5(MESSAGE_NAMESPACE, f"{lead_id}/{place}/sequence/{sequence}")


# (lead id, sequence, ruleset version, instant in ms, place)
Entry = tuple[str, str, int, int, str]


async def enter(connection: Any, entries: list[Entry]) -> None:
    """Leads begin sequences, inside the caller's transaction. connection: of the driver."""
    if entries:
        rows = [
            (enrolment_id(lead, name, place), lead, name, version, at_ms)
            for lead, name, version, at_ms, place in entries
        ]
        await connection.execute(ENTER, *map(list, zip(*rows, strict=True)))


async def leave(connection: Any, leavers: list[tuple[str, str, int, str]]) -> None:
    """Leads leave sequences: (lead id, sequence, instant, why)."""
    if leavers:
        await connection.execute(LEAVE, *map(list, zip(*leavers, strict=True)))

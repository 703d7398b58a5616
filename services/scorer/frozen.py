"""What identifiers' rows still say where the events that said it are deleted (retention). Pure.

A review shares names out by what was said of them. Of what was said before the horizon only the
rows are left, so they are told anew: the names that one lead brought belong together, whom it was
merged into is one person with it, and runs of anonymous ids stand for the claims that made them.
What an operator takes back later counts against this as against anything that was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from services.scorer.assignment import ScopeRow
from services.scorer.belonging import Deed
from services.scorer.mentions import Mention
from shared.identity import ANONYMOUS, Identifier, Marks


def frozen_deeds(
    rows: Iterable[ScopeRow], given: Mapping[Identifier, UUID], horizons: Mapping[UUID, int]
) -> list[Deed]:
    """Deeds that stand for all that was said up to the horizons. given: names of sharers, as in
    Sharing · horizons: by lead that stands, up to when its events are deleted (-1: none is).
    """
    rows = sorted(row for row in rows if horizons.get(row.lead_id, -1) >= 0)
    strongest: dict[UUID, Identifier] = {}  # of each original lead, and of each that stands
    named: dict[UUID, list[Identifier]] = {}
    first_ms: dict[UUID, int] = {}
    holder: dict[UUID, UUID] = {}
    for row in rows:
        at_ms = row.claimed_ms or 0
        if row.kind == ANONYMOUS or at_ms > horizons[row.lead_id]:
            continue
        name = (row.kind, row.value)
        named.setdefault(row.origin, []).append(name)
        first_ms[row.origin] = min(first_ms.get(row.origin, at_ms), at_ms)
        holder[row.origin] = row.lead_id
        for lead_id in (row.origin, row.lead_id):
            strongest.setdefault(lead_id, name)
    for name, lead_id in sorted(given.items()):
        strongest.setdefault(lead_id, name)
    deeds = [
        _deed(first_ms[origin], str(origin), Mention(names, None, []))
        for origin, names in named.items()
    ]
    for origin, lead_id in holder.items():
        if strongest[origin] != strongest[lead_id]:
            join = Mention([strongest[lead_id]], None, [strongest[origin]])
            deeds.append(_deed(first_ms[origin], f"{origin} joined", join))
    return [*deeds, *_claims(rows, strongest, horizons)]


def _claims(
    rows: Iterable[ScopeRow], strongest: Mapping[UUID, Identifier], horizons: Mapping[UUID, int]
) -> Iterator[Deed]:
    for row in rows:
        if row.kind != ANONYMOUS or row.marks & Marks.QUARANTINED:
            continue
        at_ms = row.since_ms or row.claimed_ms
        name = strongest.get(row.origin) or strongest.get(row.lead_id)
        if at_ms is not None and at_ms <= horizons[row.lead_id] and name is not None:
            yield _deed(at_ms, row.value, Mention([name], row.value, []))


def _deed(at_ms: int, what: str, mention: Mention) -> Deed:
    """Before all that may still be said of that millisecond."""
    return Deed((at_ms, "", what), mention)

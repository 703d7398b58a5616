"""Going through all leads for likely duplicates."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import combinations
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.duplicates.likeness import LEAST, Likeness, blocks_of, likeness
from services.console.duplicates.profile import Profile, profile_of
from shared.identity import ANONYMOUS, Identifier
from shared.lead_state import decode_scores
from shared.tables import duplicate_pair, identifier, lead

LEADS_AT_ONCE = 2000
PAIRS_AT_ONCE = 1000
# What more leads than this have in common says nothing of any of them.
MOST_IN_A_BLOCK = 30
Progress = Callable[[str, int], None]


@dataclass(slots=True)
class Found:
    """leads: looked at · pairs: worth a look · left_out: blocks too large to say anything."""

    leads: int = 0
    pairs: dict[tuple[UUID, UUID], Likeness] = field(default_factory=dict)
    left_out: int = 0


class Finder:
    """Reads known leads page by page, compares those that share something, keeps the pairs."""

    def __init__(
        self, engine: AsyncEngine, progress: Progress = lambda _what, _count: None
    ) -> None:
        self._engine = engine
        self._progress = progress

    async def find(self, *, keep: bool = True) -> Found:
        """keep: write the pairs down. Decisions stay: a pair that was dismissed is open again only
        when something else speaks for it than what did then.
        """
        profiles = await self._profiles()
        found = Found(len(profiles))
        await asyncio.to_thread(pairs_among, profiles, found)
        self._progress("pairs found", len(found.pairs))
        if keep:
            await self._keep(found)
        return found

    async def _profiles(self) -> list[Profile]:
        profiles: list[Profile] = []
        after = UUID(int=0)
        while True:
            async with self._engine.connect() as connection:
                rows = (
                    await connection.execute(
                        sa.select(lead.c.id, lead.c.scores)
                        .where(lead.c.id > after, lead.c.merged_into.is_(None), lead.c.known)
                        .order_by(lead.c.id)
                        .limit(LEADS_AT_ONCE)
                    )
                ).all()
                names = (
                    await connection.execute(
                        sa.select(identifier.c.lead_id, identifier.c.kind, identifier.c.value)
                        .where(identifier.c.lead_id.in_([row.id for row in rows]))
                        .where(identifier.c.kind != ANONYMOUS)
                        .order_by(identifier.c.kind, identifier.c.value)
                    )
                ).all()
            profiles += await asyncio.to_thread(_read, rows, names)
            self._progress("leads read", len(profiles))
            if len(rows) < LEADS_AT_ONCE:
                return profiles
            after = rows[-1].id

    async def _keep(self, found: Found) -> None:
        rows = [
            {"lead_a": one, "lead_b": other, "score": it.score, "reasons": list(it.signals)}
            for (one, other), it in sorted(found.pairs.items())
        ]
        async with self._engine.begin() as connection:
            for first in range(0, len(rows), PAIRS_AT_ONCE):
                await connection.execute(_upsert(), rows[first : first + PAIRS_AT_ONCE])
            # Pairs that nothing speaks for any more: merged, erased, or told apart by now.
            open_pairs = await connection.execute(
                sa.select(duplicate_pair.c.lead_a, duplicate_pair.c.lead_b).where(
                    duplicate_pair.c.status == "open"
                )
            )
            gone = [(a, b) for a, b in open_pairs if (a, b) not in found.pairs]
            for first in range(0, len(gone), PAIRS_AT_ONCE):
                await connection.execute(
                    sa.delete(duplicate_pair).where(
                        sa.tuple_(duplicate_pair.c.lead_a, duplicate_pair.c.lead_b).in_(
                            gone[first : first + PAIRS_AT_ONCE]
                        )
                    )
                )


def _upsert() -> Any:
    table = duplicate_pair
    statement = insert(table)
    new = statement.excluded
    something_new = sa.not_(table.c.reasons.contains(new.reasons))
    return statement.on_conflict_do_update(
        index_elements=["lead_a", "lead_b"],
        set_={
            "score": new.score,
            "reasons": new.reasons,
            "status": "open",
            "found_at": sa.func.now(),
        },
        where=(table.c.status == "open") | ((table.c.status == "dismissed") & something_new),
    )


def _read(rows: Any, names: Any) -> list[Profile]:
    identifiers: dict[UUID, list[Identifier]] = {}
    for lead_id, kind, value in names:
        identifiers.setdefault(lead_id, []).append((kind, value))
    return [
        profile_of(row.id, identifiers.get(row.id, ()), decode_scores(row.scores).traits)
        for row in rows
    ]


def pairs_among(profiles: list[Profile], found: Found) -> None:
    """Compare leads that share something, and note the pairs worth a look. Pure."""
    for place, other in _candidates(profiles, found):
        one, two = sorted((profiles[place], profiles[other]), key=lambda it: it.lead_id)
        pair = one.lead_id, two.lead_id
        if pair not in found.pairs:
            alike = likeness(one, two)
            if alike.score >= LEAST:
                found.pairs[pair] = alike


def _candidates(profiles: list[Profile], found: Found) -> Iterator[tuple[int, int]]:
    """Pairs of places that have a block in common. Blocks are kept by a short hash: two that
    collide cost a comparison.
    """
    blocks: dict[bytes, list[int]] = {}
    for place, profile in enumerate(profiles):
        for block in blocks_of(profile):
            key = blake2b(block.encode(), digest_size=8).digest()
            blocks.setdefault(key, []).append(place)
    for places in blocks.values():
        if len(places) > MOST_IN_A_BLOCK:
            found.left_out += 1
        elif len(places) > 1:
            yield from combinations(places, 2)

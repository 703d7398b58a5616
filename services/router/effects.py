"""Carrying out what rows of the hand-off table do with a lead, beside messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from services.router.table import Effect
from shared.merged_leads import survivors_of
from shared.sequence_store import enter, leave

# A lead's effects are applied one after the other, so the last word on a tag counts.
UNTAG = """
DELETE FROM lead_tag AS t USING unnest($1::uuid[], $2::text[]) AS w (lead_id, tag)
WHERE t.lead_id = w.lead_id AND t.tag = w.tag
"""
TAG = """
INSERT INTO lead_tag (lead_id, tag, since_ms)
SELECT w.lead_id, w.tag, min(w.at_ms)
FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS w (lead_id, tag, at_ms)
JOIN lead AS l ON l.id = w.lead_id
GROUP BY 1, 2 ON CONFLICT DO NOTHING
"""


async def carry_out(connection: Any, effects: Sequence[Effect]) -> None:
    """All of it, in the transaction that marks the facts. effects: a lead's in their order."""
    await _sequences(connection, effects)
    await _tag(connection, effects)


async def _sequences(connection: Any, effects: Sequence[Effect]) -> None:
    """Put leads on sequences and take them off: the last word counts. Who was merged since leaves
    as the lead that it is part of; who begins goes on as that one by the clock.
    """
    asked = [effect for effect in effects if effect.start or effect.stop]
    whose = await survivors_of(connection, {each.lead_id for each in asked if each.stop})
    for some in _rounds(asked):
        await leave(connection, [
            (lead, name, effect.at_ms, "hand-off table")
            for effect in some
            for name in effect.stop
            for lead in {effect.lead_id, whose.get(effect.lead_id, effect.lead_id)}
        ])  # fmt: skip
        await enter(connection, [
            (effect.lead_id, name, effect.version, effect.at_ms, effect.place)
            for effect in some
            for name in effect.start
        ])  # fmt: skip


def _rounds(effects: Sequence[Effect]) -> list[list[Effect]]:
    """The first of each lead, the second of each, and so on."""
    rounds: list[list[Effect]] = []
    seen: Counter[str] = Counter()
    for effect in effects:
        number = seen[effect.lead_id]
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(effect)
        seen[effect.lead_id] += 1
    return rounds


async def _tag(connection: Any, effects: Sequence[Effect]) -> None:
    """Put tags on leads and take them off."""
    words: dict[tuple[str, str], int | None] = {}  # by lead and tag: since when, None to take off
    for effect in effects:
        words |= {(effect.lead_id, tag): None for tag in effect.untag}
        words |= {(effect.lead_id, tag): effect.at_ms for tag in effect.tag}
    gone = [key for key, at_ms in words.items() if at_ms is None]
    there = [(*key, at_ms) for key, at_ms in words.items() if at_ms is not None]
    if gone:
        await connection.execute(UNTAG, *map(list, zip(*gone, strict=True)))
    if there:
        await connection.execute(TAG, *map(list, zip(*there, strict=True)))

"""A lead's stage history as the read API shows it. Pure: rows in, answers out."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any
from uuid import UUID

from services.console.answers import StageMove
from shared.envelope import rfc3339

# By cause: what the other lead is called, where it is the survivor, and where it isn't.
NAMED = {"merge": ("merged_into", "merged_from"), "unmerge": ("unmerged_from", "parted")}


def show_moves(rows: Sequence[Any], survivors: Set[UUID]) -> list[StageMove]:
    """Rows of stage_history. survivors: every lead that this one is part of, or ever was."""
    return [
        StageMove(
            seq=row.seq,
            at=rfc3339(row.at_ms),
            journey=row.journey,
            from_stage=row.from_stage,
            to_stage=row.to_stage,
            cause=row.cause,
            actor=row.actor,
            episode=row.episode,
            ruleset_version=row.ruleset_version,
            reasons=row.reasons,
            **_other_lead(row, survivors),
        )
        for row in rows
    ]


def _other_lead(row: Any, survivors: Set[UUID]) -> dict[str, UUID]:
    if row.other_lead is None or row.cause not in NAMED:
        return {}
    survivor, absorbed = NAMED[row.cause]
    return {survivor if row.other_lead in survivors else absorbed: row.other_lead}

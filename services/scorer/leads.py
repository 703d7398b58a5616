"""Lead rows as the scorer holds them during a batch: loaded under lock, changed, saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import new_journeys, new_state
from shared.lead_state import (
    JourneyState,
    ScoreState,
    decode_journeys,
    decode_scores,
    encode_journeys,
    encode_scores,
)


class Lead(msgspec.Struct):
    """One lead, locked by this transaction.

    due_ms is the stored lower bound of the next time-driven change · is_new: has no row yet.
    """

    id: UUID
    created_ms: int
    known: bool
    merged_into: UUID | None
    identity_version: int
    ruleset_version: int
    due_ms: int | None
    state: ScoreState
    journeys: list[JourneyState]
    is_new: bool = False
    identity_changed: bool = False

    def bump_identity(self) -> None:
        """Its identity changed: whoever resolved before must look again."""
        self.identity_version += 1
        self.identity_changed = True


def loaded_lead(row: Mapping[str, Any]) -> Lead:
    """The lead of a row of LOCK_LEADS, DUE_LEADS or OUTDATED_LEADS."""
    return Lead(
        id=row["id"],
        created_ms=0,
        known=row["known"],
        merged_into=row["merged_into"],
        identity_version=row["identity_version"],
        ruleset_version=row["ruleset_version"],
        due_ms=row["due_ms"],
        state=decode_scores(row["scores"]),
        journeys=decode_journeys(row["journeys"]),
    )


def new_lead(lead_id: UUID, ruleset: Ruleset, known: bool, now_ms: int, first_ms: int) -> Lead:
    """A lead nobody has seen before: its journeys begin with its first event."""
    return Lead(
        id=lead_id,
        created_ms=now_ms,
        known=known,
        merged_into=None,
        identity_version=0,
        ruleset_version=ruleset.version,
        due_ms=None,
        state=new_state(),
        journeys=new_journeys(ruleset, first_ms),
        is_new=True,
    )


def new_row(lead: Lead) -> tuple[Any, ...]:
    """A new lead's row, in the order of LEAD_COLUMNS."""
    main = lead.journeys[0]
    return (
        lead.id, lead.created_ms, lead.known, lead.merged_into, lead.identity_version,
        lead.ruleset_version, main.stage, main.since_ms, lead.due_ms, encode_scores(lead.state),
        encode_journeys(lead.journeys),
    )  # fmt: skip


def scored_columns(leads: list[Lead]) -> list[list[Any]]:
    """The arguments of SAVE_LEADS: one list a column."""
    main = [lead.journeys[0] for lead in leads]
    return [
        [lead.id for lead in leads],
        [lead.ruleset_version for lead in leads],
        [journey.stage for journey in main],
        [journey.since_ms for journey in main],
        [lead.due_ms for lead in leads],
        [encode_scores(lead.state) for lead in leads],
        [encode_journeys(lead.journeys) for lead in leads],
    ]


def identity_columns(leads: list[Lead]) -> list[list[Any]]:
    """The arguments of SAVE_LEAD_IDENTITIES: one list a column."""
    return [
        [lead.id for lead in leads],
        [lead.known for lead in leads],
        [lead.merged_into for lead in leads],
        [lead.identity_version for lead in leads],
    ]

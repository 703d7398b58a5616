"""The data of the messages on lead-stage-changed: fact in, JSON out. Pure."""

from __future__ import annotations

from typing import Any

from services.router.facts import Fact, LeadMerged, LeadUnmerged
from services.router.messages import LeadMerged as MergedData
from services.router.messages import LeadUnmerged as UnmergedData
from services.router.messages import StageChanged as StageChangedData
from services.router.packet import reasons_of, rounded
from shared.envelope import rfc3339


def change_data(fact: Fact) -> bytes:
    """What is told of a stage change, a merge, or a merge taken back. Raises ValueError for a
    merge that doesn't say with whom.
    """
    if isinstance(fact, LeadMerged):
        data: Any = MergedData(merged_from=fact.other_lead, **_standing(fact))
    elif isinstance(fact, LeadUnmerged):
        data = UnmergedData(parted=fact.other_lead, **_standing(fact))
    else:
        data = _stage_changed(fact)
    encoded: str = data.model_dump_json()
    return encoded.encode()


def _standing(fact: LeadMerged | LeadUnmerged) -> dict[str, Any]:
    return {
        "lead_id": fact.lead_id,
        "sequence": fact.seq,
        "at": rfc3339(fact.at_ms),
        "cause": fact.cause,
        "actor": fact.actor or None,
        "journey": fact.journey,
        "stage": fact.to_stage,
        "known": fact.known,
        "ruleset_version": fact.ruleset_version,
    }


def _stage_changed(fact: Fact) -> StageChangedData:
    return StageChangedData(
        lead_id=fact.lead_id,
        sequence=fact.seq,
        journey=fact.journey,
        from_stage=fact.from_stage,
        to_stage=fact.to_stage,
        at=rfc3339(fact.at_ms),
        cause=fact.cause,
        episode=fact.episode,
        ruleset_version=fact.ruleset_version,
        scores=rounded(fact.scores),
        reasons=reasons_of(fact.reasons),
        handoff=fact.handoff,
        handoff_waiting=fact.waiting,
        handoff_withheld=fact.withheld,
        handoff_suppressed=fact.suppressed or None,
        known=fact.known,
        merged_into=fact.merged_into,
        unmerged_from=fact.other_lead if fact.cause == "unmerge" else None,
    )

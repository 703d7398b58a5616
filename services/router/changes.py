"""The data of the messages on lead-stage-changed: fact in, JSON out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.router.decide import ALERT, MessageKind
from services.router.facts import Fact, LeadMerged, LeadUnmerged, RowFact
from services.router.messages import HandOff, LeadAlert, LeadSignal, Row
from services.router.messages import LeadMerged as MergedData
from services.router.messages import LeadUnmerged as UnmergedData
from services.router.messages import StageChanged as StageChangedData
from services.router.packet import reasons_of, rounded
from services.router.table import NO_ROWS, Table
from shared.envelope import rfc3339
from shared.facts import AccountChanged
from shared.ruleset.handoff_journeys import row_of_journey
from shared.ruleset.handoffs import HandoffRow


def change_data(fact: Fact, table: Table = NO_ROWS) -> bytes:
    """What is told of a stage change, a row of the hand-off table, a merge, or a merge taken back.
    Raises ValueError for a merge that doesn't say with whom.
    """
    if isinstance(fact, LeadMerged):
        data: Any = MergedData(merged_from=fact.other_lead, **_standing(fact))
    elif isinstance(fact, LeadUnmerged):
        data = UnmergedData(parted=fact.other_lead, **_standing(fact))
    elif isinstance(fact, RowFact):
        data = _signal(fact, table)
    else:
        data = _stage_changed(fact)
    encoded: str = data.model_dump_json()
    return encoded.encode()


def packet_data(kind: MessageKind, packet: HandOff, rows: Sequence[HandoffRow]) -> bytes:
    """A hand-off, or an alert that is made of the same."""
    told: HandOff | LeadAlert = packet
    if kind == ALERT:
        told = LeadAlert(
            lead_id=packet.lead_id,
            sequence=packet.sequence or None,
            rows=[Row(id=row.id, title=row.title) for row in rows if row.do.alert],
            at=packet.at,
            who=packet.who,
            stage=packet.stage,
            scores=packet.scores,
            grade=packet.grade,
            reasons=packet.reasons,
            last_actions=packet.last_actions,
            suppression=packet.suppression,
            link=packet.link,
            ruleset_version=packet.ruleset_version,
        )
    return told.model_dump_json().encode()


def _signal(fact: RowFact, table: Table) -> LeadSignal:
    of_account = isinstance(fact, AccountChanged)
    kind: Any = row_of_journey(fact.journey)[0]
    return LeadSignal(
        lead_id=fact.lead_id,
        sequence=fact.seq or None,
        kind="account" if of_account else kind,
        rows=[Row(id=each, title=table[each].title if each in table else "") for each in fact.rows],
        at=rfc3339(fact.at_ms),
        cause=fact.cause,
        episode=fact.episode,
        ruleset_version=fact.ruleset_version,
        scores=rounded(fact.scores),
        reasons=reasons_of(fact.reasons),
        account=fact.journey.partition(":")[2] if of_account else None,
        account_stage=fact.to_stage if of_account else None,
        handoff=fact.handoff,
        handoff_waiting=fact.waiting,
        handoff_withheld=fact.withheld,
        handoff_suppressed=fact.suppressed or None,
        known=fact.known,
    )


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

"""What could happen next to a lead, as it is shown: pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from services.console.answers import (
    NextEvent,
    NextMove,
    NextStep,
    NextSteps,
    UnhelpfulRule,
)
from services.console.explanation import PARTS_PER_POINT
from services.console.lead_view import LeadRow
from services.console.ruleset_view import RulesetView
from services.scorer.core import next_steps as core
from services.scorer.core.sides import HELD, LOCKED_FOR_GOOD
from services.scorer.core.witness import NAME
from shared.envelope import Event, Identifiers, rfc3339
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL, PHONE, USER_ID
from shared.ledger import Entry
from shared.ruleset.rule_words import limit_words, valid_words
from shared.ruleset.wording import in_words

_PARTS = ("properties", "traits", "context", "consent")

BECAUSE: dict[core.Why, str] = {
    "limit": "limit: {limit}",
    "cap": "{clipped}: nothing is left of it",
    "floor": "the score is at its floor",
    "takes_points": "it takes points",
    "no_points": "it gives no points",
    "not_enough": "not enough for the next stage",
    "moves_elsewhere": "it moves the lead to {stage}",
    "locked": "the stage is locked by hand",
    "not_followed": "not at once; later moves were not looked for, time does too much",
    "holds_already": "it holds already",
    "not_by_one_event": "it takes more than one event, or time",
    "no_witness": "no event could be made up for its condition",
    "silence": "silence brings it, not an event",
    "no_consent": "the lead doesn't allow it: no consent",
    "not_valid": "it counts only {valid}",
}


def whose(identifiers: Iterable[tuple[int, str]]) -> Identifiers:
    """Identifiers that an event of the lead would carry: one of each kind."""
    by_kind: dict[int, str] = {}
    external: dict[str, str] = {}
    for kind, value in identifiers:
        if kind == EXTERNAL:
            system, _, its_id = value.partition(":")
            external.setdefault(system, its_id)
        else:
            by_kind.setdefault(kind, value)
    return Identifiers(
        email=by_kind.get(EMAIL),
        user_id=by_kind.get(USER_ID),
        anonymous_id=by_kind.get(ANONYMOUS),
        phone=by_kind.get(PHONE),
        external=external,
    )


def show_next(row: LeadRow, ruleset: RulesetView, found: core.NextSteps) -> NextSteps:
    """The steps as the API answers them."""
    locked_ms = found.locked_ms
    return NextSteps(
        lead_id=row.id,
        at=rfc3339(found.at_ms),
        ruleset_version=ruleset.version,
        merged_into=row.merged_into,
        journey=found.journey,
        stage=found.stage,
        locked=locked_ms >= LOCKED_FOR_GOOD,
        locked_until=rfc3339(locked_ms) if locked_ms > LOCKED_FOR_GOOD else None,
        set_by_hand=locked_ms == HELD or locked_ms >= LOCKED_FOR_GOOD,
        steps=[_step(one, found.at_ms) for one in found.steps],
        others=[_other(one) for one in found.others],
        if_nothing_happens=_move(found.by_time),
    )


def _step(step: core.Step, at_ms: int) -> NextStep:
    return NextStep(
        rule=step.rule.name,
        say=in_words(step.rule.document.say, step.witness),
        effort=step.rule.effort,
        event=_event(step.witness),
        points=_points(step.entry),
        clipped=step.entry.clipped if step.entry is not None else "",
        to_stage=step.to_stage,
        at=rfc3339(step.at_ms),
        at_once=step.at_ms == at_ms,
    )


def _other(other: core.NoStep) -> UnhelpfulRule:
    return UnhelpfulRule(
        rule=other.rule.name,
        effort=other.rule.effort,
        why=other.why,
        because=_because(other),
        event=None if other.witness is None else _event(other.witness),
        points=_points(other.entry),
        to_stage=other.to_stage or None,
    )


def _because(other: core.NoStep) -> str:
    document = other.rule.document
    return BECAUSE[other.why].format(
        limit="" if document.limit is None else limit_words(document.limit),
        clipped="" if other.entry is None else other.entry.clipped,
        stage=other.to_stage,
        valid="" if document.valid is None else valid_words(document.valid),
    )


def _event(witness: Event) -> NextEvent:
    """What the event must have; what any event has is left out."""
    said = msgspec.to_builtins(witness)
    parts = {name: said.get(name, {}) for name in _PARTS}
    source = None if witness.source == NAME else witness.source
    return NextEvent(type=witness.type, source=source, **parts)


def _points(entry: Entry | None) -> float:
    return 0.0 if entry is None else round(entry.points * PARTS_PER_POINT) / PARTS_PER_POINT


def _move(move: core.Move | None) -> NextMove | None:
    if move is None:
        return None
    return NextMove(from_stage=move.from_stage, to_stage=move.to_stage, at=rfc3339(move.at_ms))

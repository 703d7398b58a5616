"""What the router is told of companies: a stage that a row of the hand-off table asks for. Pure.

A company can't be called; somebody in it can. So the fact is about one of its people: of those who
are known the one with the best scores, of anonymous ones where nobody is known. A hand-off to sales
then waits until somebody is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.scorer.account_making import Made
from services.scorer.accounts import AccountRules
from services.scorer.core.compiled import AccountRow, Ruleset
from services.scorer.core.consenting import suppressed_by
from services.scorer.core.standing import score_at
from services.scorer.core.timed import Moment
from services.scorer.core.watching import NOTHING_WATCHED
from shared.facts import AccountChanged, Handoff, HandoffReleased, Suppressed
from shared.lead_state import ScoreState
from shared.ruleset.handoff_journeys import account_journey


@dataclass(frozen=True, slots=True)
class Member:
    """One of a company's people."""

    lead_id: UUID
    known: bool
    state: ScoreState


@dataclass(frozen=True, slots=True)
class Told:
    """fact: None where no row asks for the company's stage · waits: a hand-off to sales that it
    would have waits until one of its people is known.
    """

    fact: AccountChanged | None
    waits: bool = False


def account_fact(
    rules: AccountRules,
    ruleset: Ruleset,
    made: Made,
    members: Sequence[Member],
    change: int,
    *,
    by_rules: bool = False,
    hand_off: bool = False,
) -> Told:
    """What is told of a company that has moved. change: how many times it has moved by now ·
    by_rules: new rules moved it, nothing that somebody did; hand_off: its hand-off goes out then.
    """
    told = _told_of(rules, ruleset, members, made.at_ms)
    rows = _rows(ruleset, made, told)
    if made.moved_from is None or not rows:
        return Told(None)
    receivers = {row.handoff for row in rows if row.handoff is not None}
    withheld = by_rules and not hand_off
    handoff: Handoff | None = None
    if "sales" in receivers and told.known:  # who isn't known can't be called
        handoff = "sales"
    elif "content" in receivers:
        handoff = "content"
    suppressed: Suppressed = ""
    if handoff is not None:
        suppressed = suppressed_by(ruleset.consent, told.state, handoff)
    fact = AccountChanged(
        lead_id=str(told.lead_id),
        ruleset_version=ruleset.version,
        known=told.known,
        journey=account_journey(made.key),
        from_stage=made.moved_from,
        to_stage=made.stage,
        at_ms=made.at_ms,
        seq=0,
        episode=change,
        cause="recalculation" if by_rules else "event",
        scores=made.scores,
        handoff=handoff,
        withheld=withheld,
        suppressed=suppressed,
        rows=[row.name for row in rows],
    )
    return Told(fact, waits="sales" in receivers and not told.known and not withheld)


def account_release(
    rules: AccountRules, ruleset: Ruleset, made: Made, members: Sequence[Member], change: int
) -> HandoffReleased | None:
    """The hand-off to sales that waited since the company's change of this number, for it is still
    where it was: None while nobody is known, or no row asks for it of who is.
    """
    told = _told_of(rules, ruleset, members, made.at_ms)
    if not told.known or all(row.handoff != "sales" for row in _rows(ruleset, made, told)):
        return None
    return HandoffReleased(
        lead_id=str(told.lead_id),
        ruleset_version=ruleset.version,
        known=True,
        journey=account_journey(made.key),
        from_stage=made.stage,
        to_stage=made.stage,
        at_ms=made.at_ms,
        seq=0,
        episode=change,
        cause="event",
        scores=made.scores,
        handoff="sales",
    )


def _rows(ruleset: Ruleset, made: Made, told: Member) -> list[AccountRow]:
    return [
        row
        for row in ruleset.account_rows
        if made.stage in row.stages and _holds(row, told.state, made.at_ms)
    ]


def _told_of(
    rules: AccountRules, ruleset: Ruleset, members: Sequence[Member], at_ms: int
) -> Member:
    """The best by what the company is scored by; of equals the one that came first."""

    def worth(member: Member) -> tuple[bool, float, int]:
        total = sum(score_at(ruleset, member.state, name, at_ms) for name in rules.top)
        return member.known, total, -member.lead_id.int

    return max(members, key=worth)


def _holds(row: AccountRow, state: ScoreState, at_ms: int) -> bool:
    if row.when is None:
        return True
    return row.when(Moment(None, state.traits, state.watch or NOTHING_WATCHED, at_ms))

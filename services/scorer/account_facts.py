"""What the router is told of companies: a stage that a row of the hand-off table asks for. Pure.

A company can't be called; somebody in it can. So the fact is about one of its people: of those who
are known the one with the best scores, of anonymous ones where nobody is known.
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
from shared.facts import AccountChanged, Handoff, Suppressed
from shared.lead_state import ScoreState


@dataclass(frozen=True, slots=True)
class Member:
    """One of a company's people."""

    lead_id: UUID
    known: bool
    state: ScoreState


def account_fact(
    rules: AccountRules, ruleset: Ruleset, made: Made, members: Sequence[Member], change: int
) -> AccountChanged | None:
    """What is told of a company that has moved, None where no row asks for it. change: how many
    times it has moved by now.
    """
    asked = [row for row in ruleset.account_rows if made.stage in row.stages]
    if made.moved_from is None or not asked:
        return None
    told = _told_of(rules, ruleset, members, made.at_ms)
    rows = [row for row in asked if _holds(row, told.state, made.at_ms)]
    if not rows:
        return None
    receivers = {row.handoff for row in rows if row.handoff is not None}
    handoff: Handoff | None = None
    if "sales" in receivers and told.known:  # who isn't known can't be called
        handoff = "sales"
    elif "content" in receivers:
        handoff = "content"
    suppressed: Suppressed = ""
    if handoff is not None:
        suppressed = suppressed_by(ruleset.consent, told.state, handoff)
    return AccountChanged(
        lead_id=str(told.lead_id),
        ruleset_version=ruleset.version,
        known=told.known,
        journey=f"account:{made.key}",
        from_stage=made.moved_from,
        to_stage=made.stage,
        at_ms=made.at_ms,
        seq=0,
        episode=change,
        cause="event",
        scores=made.scores,
        handoff=handoff,
        suppressed=suppressed,
        rows=[row.name for row in rows],
    )


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

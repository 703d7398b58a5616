"""The cheapest deed that would bring a lead to a higher stage, in words. Pure.

It is found by trying: the core adds a made-up event for each rule to a copy of the lead. So that a
packet never waits long for it, only so many rules are tried, a few at a time, those of the least
effort first, and time acts only so often on a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from services.router.messages import NextStep
from services.router.wording import day_of, words_for
from services.scorer.core.compiled import Ruleset
from services.scorer.core.next_steps import Step, next_steps
from shared.envelope import Identifiers, rfc3339
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL, PHONE, USER_ID, Identifier
from shared.lead_state import JourneyState, ScoreState
from shared.ruleset.wording import in_words

RULES_MAX: Final = 40
AT_ONCE: Final = 5
ACTS_MAX: Final = 200  # of time


def to_be_tried(ruleset: Ruleset) -> tuple[Ruleset, ...]:
    """The same ruleset several times, each with a few of the rules that are worth a try: they score
    by themselves and give points rather than take them. Least effort first, then as the ruleset
    has them.
    """
    worth = [rule for rule in ruleset.rules if not rule.silence_ms and rule.points >= 0]
    worth.sort(key=lambda rule: rule.effort)
    worth = worth[:RULES_MAX]
    return tuple(
        replace(ruleset, rules=tuple(worth[at : at + AT_ONCE]))
        for at in range(0, len(worth), AT_ONCE)
    )


def nearest(
    tried: Sequence[Ruleset],
    state: ScoreState,
    journeys: Sequence[JourneyState],
    known: bool,
    identifiers: Iterable[Identifier],
    journey: str,
    now_ms: int,
) -> NextStep | None:
    """None where no single deed does it, or the lead isn't on such a journey, or at its top. tried:
    from `to_be_tried`, of the version that the state stands under.
    """
    who = _whose(identifiers)
    stage = next((one.stage for one in journeys if one.name == journey), None)
    for some in tried:
        ladder = some.ladders.get(journey)
        if ladder is None or stage == ladder.rungs[-1].name:
            return None
        found = next_steps(some, state, journeys, now_ms, known, who, journey, ACTS_MAX)
        if found.steps:
            return _told(found.steps[0], found.at_ms)
    return None


def _told(step: Step, at_ms: int) -> NextStep:
    say = step.rule.document.say
    deed = in_words(say, step.witness) if say else words_for(step.witness)
    when = "at once" if step.at_ms == at_ms else f"on {day_of(step.at_ms)}"
    return NextStep(
        words=f"{deed}: brings the lead to {step.to_stage} {when}",
        rule=step.rule.name,
        to_stage=step.to_stage,
        points=0.0 if step.entry is None else round(step.entry.points, 6),
        effort=step.rule.effort,
        at=rfc3339(step.at_ms),
        at_once=step.at_ms == at_ms,
    )


def _whose(identifiers: Iterable[Identifier]) -> Identifiers:
    """What an event of the lead would carry: one of each kind."""
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

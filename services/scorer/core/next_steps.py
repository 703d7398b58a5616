"""What could happen next to a lead: which one event of which rule would bring it to a higher stage,
and which stage it moves to if nothing happens.

Every answer is what the core does: each rule's witness is added to a copy of the lead, with limits,
caps, conditions and ladders as they are, and the time after it is let pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from services.scorer.core.by_time import advance_scores, next_flip_ms, scored_until_ms
from services.scorer.core.compiled import JOURNEY, Rule, Ruleset
from services.scorer.core.consenting import is_frozen
from services.scorer.core.fold import (
    advance,
    copied,
    extend,
)
from services.scorer.core.ladder import Ladder
from services.scorer.core.matching import matched_rules
from services.scorer.core.moves import let_go
from services.scorer.core.reachable import can_be_reached
from services.scorer.core.sides import HELD, LOCKED_FOR_GOOD, UNLOCKED, next_change_ms, place_at
from services.scorer.core.watching import holding
from services.scorer.core.witness import witnesses
from shared.envelope import Event, Identifiers
from shared.lead_state import JourneyState, ScoreState, decode_journeys, encode_journeys
from shared.ledger import Entry

# So often may time act on a lead, over all witnesses, before we stop looking for later moves.
MOST_ACTS_OF_TIME = 5000

Why = Literal[
    "limit", "cap", "floor", "takes_points", "no_points", "not_enough", "moves_elsewhere",
    "locked", "not_followed", "holds_already", "not_by_one_event", "no_witness", "silence",
    "not_valid", "no_consent",
]  # fmt: skip

_WHY_CUT: dict[str, Why] = {"limit": "limit", "no consent": "no_consent"}


@dataclass(frozen=True, slots=True)
class Step:
    """One event that brings the lead to a higher stage.

    rule: what it is made for · entry: what that rule gives, None for nothing: what else the event
    brings may still move the lead · to_stage, at_ms: where the lead is
    then, and from when: the instant of the event, or later, when time lets it move.
    """

    rule: Rule
    witness: Event
    entry: Entry | None
    to_stage: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class NoStep:
    """A rule that brings the lead nowhere higher. why: see docs/api.md · witness: None where there
    is none · entry: what the rule gives for it, None for nothing · to_stage: where the
    witness moves the lead instead, "" where it stays.
    """

    rule: Rule
    why: Why
    witness: Event | None = None
    entry: Entry | None = None
    to_stage: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A change of the stage that time alone brings."""

    from_stage: str
    to_stage: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class NextSteps:
    """How a lead may move on one journey, as of at_ms.

    stage: None while the lead isn't on the journey · locked_ms: until when the stage stands by
    hand: -1 not at all, -2 until points come or go, 0 for good · steps: by effort, then in the
    order of the ruleset · others: in that order · by_time: the first move if nothing happens.
    """

    journey: str
    at_ms: int
    stage: str | None = None
    locked_ms: int = UNLOCKED
    steps: list[Step] = field(default_factory=list)
    others: list[NoStep] = field(default_factory=list)
    by_time: Move | None = None


def next_steps(
    ruleset: Ruleset,
    state: ScoreState,
    journeys: Sequence[JourneyState],
    now_ms: int,
    known: bool,
    identifiers: Identifiers,
    journey: str = JOURNEY,
    most_acts: int = MOST_ACTS_OF_TIME,
) -> NextSteps:
    """Try one witness event for every rule. Nothing given is changed.

    now_ms: moved on to the first ms at which an event of the lead would be its newest, where it
    lies before · identifiers: those of the lead · most_acts: of time, to be followed. Raises
    KeyError if there is no such journey.
    """
    ladder = ruleset.ladders[journey]
    at_ms = max(now_ms, scored_until_ms(state), *(one.ladder_at_ms for one in journeys))
    if state.last is not None:
        at_ms = max(at_ms, state.last[0] + 1)
    lead = _Lead(ruleset, ladder, copied(state), _copies(journeys), known)
    advance(ruleset, lead.state, lead.journeys, at_ms, known)
    stands = lead.stands
    by_time = lead.copy().first_move(at_ms, most_acts)
    found = _Trial(lead, at_ms, identifiers, by_time, most_acts).all()
    steps = [one for one in found if isinstance(one, Step)]
    return NextSteps(
        journey=journey,
        at_ms=at_ms,
        stage=None if stands is None else stands.stage,
        locked_ms=UNLOCKED if stands is None else _lock(stands, at_ms),
        steps=sorted(steps, key=lambda step: step.rule.effort),
        others=[one for one in found if isinstance(one, NoStep)],
        by_time=by_time,
    )


@dataclass(slots=True)
class _Lead:
    """A lead on one journey, ours to change. acts: how often time acted on it · lost: so often
    that it wasn't followed further.
    """

    ruleset: Ruleset
    ladder: Ladder
    state: ScoreState
    journeys: list[JourneyState]
    known: bool
    acts: int = 0
    lost: bool = False

    def copy(self) -> _Lead:
        state, journeys = copied(self.state), _copies(self.journeys)
        return _Lead(self.ruleset, self.ladder, state, journeys, self.known)

    @property
    def stands(self) -> JourneyState | None:
        """Where it is on the journey, None while it isn't on it."""
        return next((one for one in self.journeys if one.name == self.ladder.name), None)

    def happens(self, event: Event) -> list[Entry]:
        return extend(self.ruleset, self.state, self.journeys, [event], self.known).entries[0]

    def first_move(self, after_ms: int, most_acts: int) -> Move | None:
        """The first change of the stage that time brings later than after_ms, None for none. The
        lead goes through the points that time gives and takes until then.
        """
        journey = self.stands
        if journey is None:
            return None  # journeys begin by events
        while self.acts < most_acts:
            self.acts += 1
            flip_ms = next_flip_ms(self.state)
            before_ms = None if flip_ms is None else flip_ms - 1
            due_ms = next_change_ms(self.ladder, self.state, journey, after_ms, before_ms)
            if due_ms is None or (flip_ms is not None and due_ms >= flip_ms):
                if flip_ms is None:
                    return None
                let_go(journey, advance_scores(self.ruleset, self.state, flip_ms))
                due_ms = flip_ms
            to = place_at(self.ladder, self.state, journey, due_ms)
            if to is not None:
                return Move(journey.stage, self.ladder.stage_at(to).name, due_ms)
            after_ms = due_ms
        self.lost = True
        return None


@dataclass(slots=True)
class _Trial:
    """Tries the rules on a lead. by_time: how it moves without any event · acts: of time, left."""

    lead: _Lead
    at_ms: int
    identifiers: Identifiers
    by_time: Move | None
    acts: int

    def all(self) -> list[Step | NoStep]:
        return [self._tried(rule) for rule in self.lead.ruleset.rules]

    def _tried(self, rule: Rule) -> Step | NoStep:
        if rule.silence_ms:
            return NoStep(rule, "silence")
        if rule.on_trait and holding(self.lead.state, rule):
            return NoStep(rule, "holds_already")
        if rule.on_trait and is_frozen(self.lead.ruleset.consent, self.lead.state):
            return NoStep(rule, "no_consent")
        if not rule.valid_from <= self.at_ms < rule.valid_to:
            return NoStep(rule, "not_valid")
        made = False
        for witness in witnesses(rule, self.lead.state, self.identifiers, self.at_ms):
            made = True
            if self._scores(rule, witness):
                return self._sent(rule, witness)
        return NoStep(rule, "not_by_one_event" if made and rule.timed else "no_witness")

    def _scores(self, rule: Rule, witness: Event) -> bool:
        """Does the event make the rule match, or begin to hold?"""
        state = copied(self.lead.state)
        return rule in matched_rules(self.lead.ruleset, state, witness, self.at_ms)

    def _sent(self, rule: Rule, witness: Event) -> Step | NoStep:
        after = self.lead.copy()
        entries = after.happens(witness)
        entry = next((one for one in entries if one.rule == rule.number), None)
        before, now = self.lead.stands, after.stands
        from_stage = None if before is None else before.stage
        to_stage, at_ms = None if now is None else now.stage, self.at_ms
        if to_stage == from_stage and self._may_rise_later(after):
            move = after.first_move(self.at_ms, self.acts)
            self.acts -= after.acts
            if move is not None and self._is_news(move):
                to_stage, at_ms = move.to_stage, move.at_ms
        if to_stage and is_higher(self.lead.ladder, from_stage, to_stage):
            return Step(rule, witness, entry, to_stage, at_ms)
        moved_to = to_stage if to_stage is not None and to_stage != from_stage else ""
        why = "not_followed" if after.lost else self._why(entry, moved_to)
        return NoStep(rule, why, witness, entry, moved_to)

    def _may_rise_later(self, after: _Lead) -> bool:
        stands, ladder = after.stands, after.ladder
        if stands is None:
            return False
        here = ladder.place.get(stands.stage, -1)
        beside = here >= len(ladder.rungs)  # it comes back some time
        return beside or can_be_reached(after.ruleset, ladder, after.state, here, self.at_ms)

    def _is_news(self, move: Move) -> bool:
        """Does a move by time bring the lead higher, and is it owed to the event?"""
        ladder, without = self.lead.ladder, self.by_time
        if not is_higher(ladder, move.from_stage, move.to_stage):
            return False
        return (
            without is None
            or move.at_ms < without.at_ms
            or is_higher(ladder, without.to_stage, move.to_stage)
        )

    def _why(self, entry: Entry | None, moved_to: str) -> Why:
        if entry is None:
            return "no_points"
        if entry.clipped in _WHY_CUT:
            return _WHY_CUT[entry.clipped]
        if entry.points == 0.0:
            return "floor" if entry.clipped == "floor" else "cap"
        if moved_to:
            return "moves_elsewhere"
        if entry.points < 0.0:
            return "takes_points"
        stands = self.lead.stands
        locked = stands is not None and _lock(stands, self.at_ms) not in {UNLOCKED, HELD}
        return "locked" if locked else "not_enough"


def is_higher(ladder: Ladder, from_stage: str | None, to_stage: str) -> bool:
    """Is a stage of the ladder above another? Every one is for those beside it, or not on it."""
    to, count = ladder.place[to_stage], len(ladder.rungs)
    if to >= count:
        return False
    here = -1 if from_stage is None else ladder.place.get(from_stage, -1)
    return here < to or here >= count


def _lock(stands: JourneyState, at_ms: int) -> int:
    """Until when the stage stands by hand, as of an instant."""
    ends_ms = stands.locked_ms
    return ends_ms if ends_ms in {LOCKED_FOR_GOOD, HELD} or ends_ms > at_ms else UNLOCKED


def _copies(journeys: Sequence[JourneyState]) -> list[JourneyState]:
    return decode_journeys(encode_journeys(list(journeys)))

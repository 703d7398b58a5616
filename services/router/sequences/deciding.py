"""What becomes of a lead on a sequence at an instant: begin, send, leave out, wait or end. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from services.router.sequences.timing import DAY_MS, days_after, first_allowed, zone_of
from services.scorer.core.compiled import SequenceChecks
from services.scorer.core.timed import Moment, TimedCheck
from services.scorer.core.watching import NOTHING_WATCHED
from shared.lead_state import ScoreState
from shared.ruleset.sequences import (
    Channel,
    Choice,
    NurtureSequence,
    SequenceLimits,
    SequenceStep,
)

# While sales is at work on a lead, it is looked at again so often.
SALES_LOOK_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Definition:
    """A sequence of a ruleset version."""

    name: str
    written: NurtureSequence
    checks: SequenceChecks
    limits: SequenceLimits

    def models_asked(self, number: int) -> set[str]:
        """Whose scores a step's choices ask for."""
        return {model for one in self._choices(number) for model in one.score or ()}

    def asks_interests(self, number: int) -> bool:
        return any(one.interest for one in self._choices(number))

    def _choices(self, number: int) -> Sequence[Choice]:
        steps = self.written.steps
        return steps[number].content if number < len(steps) else ()


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A lead on a sequence; see the table sequence_enrolment. started_ms None: it was just entered
    · planned_ms None: the next step is to be planned, after a move to another version ·
    last_ended_ms: when the lead was on it before, None for never.
    """

    lead_id: str
    entered_ms: int
    started_ms: int | None = None
    next_step: int = 0
    planned_ms: int | None = None
    arm: str = ""
    last_ended_ms: int | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What is known of the lead. state: under the sequence's version · stages: by journey ·
    refused: why nothing may go to it, by channel · unaddressed: channels on which it has no address
    · scores, interests (in small letters): where a choice asks for them · sent_ms: of steps that
    went to it lately.
    """

    state: ScoreState
    stages: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[Channel, str] = field(default_factory=dict)
    unaddressed: Collection[Channel] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    interests: Collection[str] = ()
    sales_active: bool = False
    sent_ms: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Start:
    arm: str
    planned_ms: int
    due_ms: int


@dataclass(frozen=True, slots=True)
class End:
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again then."""

    due_ms: int


@dataclass(frozen=True, slots=True)
class Step:
    """The step is over: sent with a choice, or left out (why). next_due_ms None: it was the
    last.
    """

    step: SequenceStep
    choice: Choice | None
    why: str
    next_planned_ms: int | None
    next_due_ms: int | None


Decision = Start | End | Wait | Step


def decide_enrolment(
    definition: Definition, enrolment: Enrolment, lead: View, now_ms: int
) -> Decision:
    """now_ms: not before what is due."""
    sequence = definition.written
    if (why := _ended(definition, enrolment, lead, now_ms)) is not None:
        return End(why)
    if enrolment.started_ms is None:
        return _start(definition, enrolment, lead, now_ms)
    number = enrolment.next_step
    if number >= len(sequence.steps):
        return End("completed")
    if lead.sales_active:
        if sequence.exit.sales == "exit":
            return End("sales")
        return Wait(now_ms + SALES_LOOK_MS)
    step = sequence.steps[number]
    planned_ms = enrolment.planned_ms
    if planned_ms is None:  # moved to this version: a day after what went to it last, at least
        planned_ms = _planned(definition, lead.state, enrolment.started_ms, step.day)
        planned_ms = max([planned_ms, *(at_ms + DAY_MS for at_ms in lead.sent_ms)])
    if step.arm is not None and enrolment.arm not in step.arm:
        return _over(definition, enrolment, lead, step, None, "another arm", planned_ms)
    # Looked at before its time: somebody resumed it, or moved it to another version.
    allowed_ms = _allowed(definition, lead, max(now_ms, planned_ms))
    if allowed_ms > now_ms:
        return Wait(allowed_ms)
    late = step.late or sequence.late
    if late == "skip" and now_ms > _meant(definition, lead, planned_ms) + sequence.tolerance:
        return _over(definition, enrolment, lead, step, None, "late", now_ms)
    choice, why = _choice(definition, number, lead, now_ms)
    return _over(definition, enrolment, lead, step, choice, why, now_ms)


def arm_of(sequence: NurtureSequence, name: str, lead_id: str) -> str:
    """By the lead's id, in parts as large as the weights: the same whenever it is asked."""
    if sequence.arms is None:
        return ""
    digest = sha256(f"{name}/{lead_id}".encode()).digest()
    point = int.from_bytes(digest[:8], "big") / 2**64 * sum(sequence.arms.values())
    for arm, weight in sequence.arms.items():
        point -= weight
        if point < 0:
            return arm
    return next(reversed(sequence.arms))


def arm_kept(sequence: NurtureSequence, name: str, lead_id: str, arm: str) -> str:
    """The lead's arm, made anew where another version has no such arm."""
    return arm if arm in (sequence.arms or {""}) else arm_of(sequence, name, lead_id)


def _start(definition: Definition, enrolment: Enrolment, lead: View, now_ms: int) -> Start | End:
    sequence = definition.written
    before_ms = enrolment.last_ended_ms
    if before_ms is not None and (
        sequence.again_after is None or now_ms < before_ms + sequence.again_after
    ):
        return End("was on it before")
    if not _holds(definition.checks.audience, lead.state, now_ms, otherwise=True):
        return End("not of its audience")
    planned_ms = _planned(definition, lead.state, now_ms, sequence.steps[0].day)
    return Start(
        arm_of(sequence, definition.name, enrolment.lead_id),
        planned_ms,
        _allowed(definition, lead, planned_ms),
    )


def _ended(definition: Definition, enrolment: Enrolment, lead: View, now_ms: int) -> str | None:
    """What ends it now, None for nothing."""
    sequence, checks = definition.written, definition.checks
    since_ms = enrolment.started_ms if enrolment.started_ms is not None else enrolment.entered_ms
    left = sequence.channels_from(enrolment.next_step)
    if left and all(lead.refused.get(channel) for channel in left):
        return lead.refused[left[0]]
    if sequence.purpose == "nurture" and _newest(lead.state, checks.bought) is not None:
        return "bought"
    if _holds(checks.goal, lead.state, now_ms):
        return "goal reached"
    if enrolment.started_ms is None:
        return None
    newest_ms = _newest(lead.state, checks.exits)
    if newest_ms is not None and newest_ms > since_ms:
        return "exit event"
    if lead.stages.get(sequence.journey) in (sequence.exit.stage or ()):
        return "stage reached"
    return "exit condition" if _holds(checks.exit_when, lead.state, now_ms) else None


def _newest(state: ScoreState, place: int) -> int | None:
    """The newest event of a tally."""
    kept = state.watch.tallies.get(place) if state.watch is not None else None
    return kept[-1] if kept is not None and len(kept) > 1 else None


def _holds(
    check: TimedCheck | None, state: ScoreState, now_ms: int, *, otherwise: bool = False
) -> bool:
    if check is None:
        return otherwise
    return check(Moment(None, state.traits, state.watch or NOTHING_WATCHED, now_ms))


def _choice(
    definition: Definition, number: int, lead: View, now_ms: int
) -> tuple[Choice | None, str]:
    """The first that fits and can reach the lead, by the channel it prefers if there is one; or
    None, and why.
    """
    sequence = definition.written
    step = sequence.steps[number]
    fitting = [
        (choice, sequence.channel_of(step, choice))
        for choice in _fitting(definition, number, lead, now_ms)
    ]
    if not fitting:
        return None, "no content fits"
    reaching = [
        (choice, channel)
        for choice, channel in fitting
        if not lead.refused.get(channel) and channel not in lead.unaddressed
    ]
    if not reaching:
        return None, lead.refused.get(fitting[0][1]) or "no address"
    wish = lead.state.traits.get(sequence.prefers.removeprefix("traits."))
    wished = (choice for choice, channel in reaching if channel == wish)
    return next(wished, reaching[0][0]), ""


def _fitting(definition: Definition, number: int, lead: View, now_ms: int) -> Iterator[Choice]:
    """Nobody who has bought gets what is meant for before a purchase."""
    sequence = definition.written
    usual = "prospects" if sequence.purpose == "nurture" else "buyers"
    mine = "buyers" if _newest(lead.state, definition.checks.bought) is not None else "prospects"
    checks = definition.checks.choices[number]
    for choice, check in zip(sequence.steps[number].content, checks, strict=True):
        if (
            (choice.for_ or usual) in {mine, "all"}
            and _is_for(choice, sequence.journey, lead)
            and _holds(check, lead.state, now_ms, otherwise=True)
        ):
            yield choice


def _is_for(choice: Choice, journey: str, lead: View) -> bool:
    """Does it stand where the choice asks, with so many points, and such interests?"""
    if choice.stage is not None and lead.stages.get(journey) not in choice.stage:
        return False
    if any(lead.scores.get(model, 0) < least for model, least in (choice.score or {}).items()):
        return False
    return choice.interest is None or any(
        name.casefold() in lead.interests for name in choice.interest
    )


def _over(
    definition: Definition,
    enrolment: Enrolment,
    lead: View,
    step: SequenceStep,
    choice: Choice | None,
    why: str,
    at_ms: int,
) -> Step:
    """The step is over, at at_ms. The next is planned by its day; but where this one was late, they
    keep a day between them, or as many as they were meant to, if that is less.
    """
    steps = definition.written.steps
    following = enrolment.next_step + 1
    if following >= len(steps):
        return Step(step, choice, why, None, None)
    assert enrolment.started_ms is not None
    planned_ms = _planned(definition, lead.state, enrolment.started_ms, steps[following].day)
    if choice is not None:
        apart_ms = min(steps[following].day - step.day, 1) * DAY_MS
        planned_ms = max(planned_ms, at_ms + apart_ms)
    sent_ms = [*lead.sent_ms, at_ms] if choice is not None else lead.sent_ms
    due_ms = _allowed(definition, lead, planned_ms, sent_ms)
    return Step(step, choice, why, planned_ms, due_ms)


def _planned(definition: Definition, state: ScoreState, start_ms: int, days: int) -> int:
    return days_after(start_ms, days, _lead_zone(definition, state))


def _allowed(
    definition: Definition, lead: View, from_ms: int, sent_ms: Sequence[int] | None = None
) -> int:
    limits = definition.limits
    return first_allowed(
        from_ms,
        _lead_zone(definition, lead.state),
        definition.written.hours,
        limits.quiet,
        limits.caps,
        lead.sent_ms if sent_ms is None else sent_ms,
    )


def _meant(definition: Definition, lead: View, planned_ms: int) -> int:
    """When a step goes out whose day came, caps aside: nobody is late for a weekend."""
    limits, zone = definition.limits, _lead_zone(definition, lead.state)
    return first_allowed(planned_ms, zone, definition.written.hours, limits.quiet, (), ())


def _lead_zone(definition: Definition, state: ScoreState) -> str:
    sequence = definition.written
    trait: Any = state.traits.get(sequence.time_zone.removeprefix("traits."))
    return zone_of(trait, sequence.hours.time_zone)

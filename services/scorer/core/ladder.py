"""The stage ladder: which stage a lead belongs to, given its scores and where it stands.

Rising is immediate and goes straight to the highest stage whose enter thresholds all hold. Falling
waits for the stage's dwell and goes to the highest lower stage whose leave thresholds all hold.
Enter lies above leave, so that after one move no other is due at the same instant.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.scorer.core.combined import Shown, shown_at
from services.scorer.core.conditions import Check
from services.scorer.core.consenting import Policy
from services.scorer.core.timed import TimedCheck, Turn
from shared.decay import score_at
from shared.lead_state import JourneyState, ModelState

# A billionth of a point: less is nothing, and a threshold is reached to within it.
TOLERANCE = 1e-9
_MOST_TYPES = 4096

Models = Mapping[str, ModelState]
Thresholds = tuple[tuple[str, float], ...]


@dataclass(slots=True, frozen=True)
class Rung:
    """One stage. enter, leave: (model, least value), the tolerance already taken off."""

    name: str
    enter: Thresholds
    leave: Thresholds
    dwell_ms: int
    handoff: str | None
    when: TimedCheck | None = None
    come_from: frozenset[str] | None = None


@dataclass(slots=True, frozen=True)
class Side:
    """A stage beside the ladder.

    on: the types of events that bring a lead here, None where `when` alone does · can_end: it has
    an end of its own · leave_after_ms: 0 for never · back_to: a place, -1 for what the scores give
    · woken: the types of events after which `when` can't hold, as it asks for a silence ·
    come_from: the stages that it may be entered from, None for all.
    """

    name: str
    handoff: str | None
    on: Callable[[str], bool] | None
    event_check: Check | None
    when: TimedCheck | None
    can_end: bool
    leave_after_ms: int
    leave_on: Callable[[str], bool] | None
    leave_when: TimedCheck | None
    back_to: int
    woken: Callable[[str], bool] | None
    come_from: frozenset[str] | None = None


@dataclass(slots=True, frozen=True)
class Row:
    """A row of the hand-off table that looks at a stage. when: None where entering it is enough."""

    name: str
    when: TimedCheck | None
    handoff: str | None


@dataclass(slots=True, frozen=True)
class Ladder:
    """One journey's stages, lowest first.

    place: by stage name · above: for each place, and at -1 for a stage that isn't known, the
    places above with what enters them, highest first · nearest: for each such place, by model, the
    least value at which some place above could be entered · watched: the models that any threshold
    names · models: all, for what a change tells · scores: how they are shown, None where only plain
    ones are watched · general: what is watched doesn't fade by half-lives alone · sides: stages
    beside it, whose places follow · aside_by: see sides_by · turns: when conditions of stages may
    turn · begins: None where the journey begins with the lead · conditioned: rungs ask for more
    than thresholds · returns: rungs that a stage beside the ladder leads back to, whatever the
    scores say by then · rich: they do, or there are stages beside them (sides.py) · consent: the
    ruleset's, for whom hand-offs need it · rows: of the hand-off table, by the place that they look
    at · told: the one place whose entering is a change, None for all: the journey of a row.
    """

    name: str
    rungs: tuple[Rung, ...]
    place: dict[str, int]
    above: dict[int, tuple[tuple[int, Thresholds], ...]]
    nearest: dict[int, dict[str, float]]
    watched: tuple[str, ...]
    models: tuple[str, ...]
    scores: Mapping[str, Shown] | None = None
    general: bool = False
    sides: tuple[Side, ...] = ()
    aside_by: dict[str, tuple[Side, ...]] = field(default_factory=dict)
    turns: tuple[Turn, ...] = ()
    begins: TimedCheck | None = None
    conditioned: bool = False
    returns: frozenset[int] = frozenset()
    rich: bool = False
    consent: Policy | None = None
    rows: Mapping[int, tuple[Row, ...]] = field(default_factory=dict)
    told: int | None = None

    def stage_at(self, place: int) -> Rung | Side:
        """The stage of a place: those beside the ladder follow those on it."""
        count = len(self.rungs)
        return self.rungs[place] if place < count else self.sides[place - count]

    def sides_by(self, event_type: str) -> tuple[Side, ...]:
        """The stages beside it that an event of a type may bring a lead to; remembered."""
        found = self.aside_by.get(event_type)
        if found is None:
            if len(self.aside_by) >= _MOST_TYPES:
                self.aside_by.clear()
            found = self.aside_by[event_type] = tuple(
                side
                for side in self.sides
                if (side.on is None or side.on(event_type))
                and (side.woken is None or not side.woken(event_type))
            )
        return found


def value_of(
    models: Models, name: str, at_ms: int, scores: Mapping[str, Shown] | None = None
) -> float:
    """A model's score at an instant, 0 while it has no points; as shown if it's told how."""
    if scores is not None:
        return shown_at(scores, models, name, at_ms)
    model = models.get(name)
    return 0.0 if model is None else score_at(model, at_ms)


def all_hold(
    models: Models,
    thresholds: Thresholds,
    at_ms: int,
    scores: Mapping[str, Shown] | None = None,
) -> bool:
    """Does every score reach its threshold?"""
    for name, least in thresholds:  # noqa: SIM110 - a generator costs half a microsecond here
        if value_of(models, name, at_ms, scores) < least:
            return False
    return True


def can_rise(ladder: Ladder, models: Models) -> bool:
    """Does a score that the ladder watches rise by itself, as its negative points fade? Else those
    scores only fall between events.
    """
    for name in ladder.watched:
        if ladder.general and ladder.scores is not None:
            shown = ladder.scores[name]
            if not shown.falling or any(_losses_fade(models.get(one)) for one in shown.members):
                return True
        model = models.get(name)
        if model is None:
            continue
        for half_life, total in model.sums.items():
            if total.amount < 0.0 and half_life:
                return True
        if model.more is not None and _losses_fade(model):
            return True
    return False


def _losses_fade(model: ModelState | None) -> bool:
    """Does a model hold negative points that fade?"""
    if model is None:
        return False
    if any(total.amount < 0.0 and half_life for half_life, total in model.sums.items()):
        return True
    return model.more is not None and any(
        any(total.amount < 0.0 and half_life for half_life, total in part.sums.items())
        or any(
            amount < 0.0
            for lists in (part.windows, part.lines)
            for amounts in lists.values()
            for _, amount in amounts
        )
        for part in model.more.parts.values()
    )


def stayed_until(ladder: Ladder, models: Models, journey: JourneyState, at_ms: int) -> bool:
    """Is it sure that time moved nothing up to at_ms? While no score can rise by itself, a lead
    that stays at at_ms stayed all along. False: look closely.
    """
    here = ladder.place.get(journey.stage, -1)
    if here < 0 or can_rise(ladder, models):
        return False
    rung = ladder.rungs[here]
    if at_ms - journey.since_ms < rung.dwell_ms:
        return True
    return all_hold(models, rung.leave, at_ms, ladder.scores)


def reaches(ladder: Ladder, models: Models, journey: JourneyState, gained: str, at_ms: int) -> bool:
    """May points that were added to a model bring a rise? No other place to go was open before."""
    if ladder.general:
        return True
    least = ladder.nearest[ladder.place.get(journey.stage, -1)].get(gained)
    return least is not None and value_of(models, gained, at_ms) >= least


def decide(ladder: Ladder, models: Models, journey: JourneyState, at_ms: int) -> int | None:
    """The place the lead belongs to at an instant, None when it stays where it is.

    at_ms isn't before the newest entry of any model. Time-driven moves, and those by events, are
    decided here alone. A stage that the ladder doesn't know (an older ruleset's) is always left.
    """
    here = ladder.place.get(journey.stage, -1)
    above = _risen(ladder, models, here, at_ms)
    if above is not None:
        return above
    if here < 0:
        return 0
    rungs = ladder.rungs
    rung = rungs[here]
    if at_ms - journey.since_ms < rung.dwell_ms or all_hold(
        models, rung.leave, at_ms, ladder.scores
    ):
        return None
    for below in range(here - 1, 0, -1):
        if all_hold(models, rungs[below].leave, at_ms, ladder.scores):
            return below
    return 0 if here else None


def _risen(ladder: Ladder, models: Models, here: int, at_ms: int) -> int | None:
    """The highest place above whose enter thresholds all hold."""
    values: dict[str, float] = {}
    for place, enter in ladder.above[here]:
        for name, least in enter:
            value = values.get(name)
            if value is None:
                value = values[name] = value_of(models, name, at_ms, ladder.scores)
            if value < least:
                break
        else:
            return place
    return None

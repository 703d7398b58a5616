"""The stage ladder: which stage a lead belongs to, given its scores and where it stands.

Rising is immediate and goes straight to the highest stage whose enter thresholds all hold. Falling
waits for the stage's dwell and goes to the highest lower stage whose leave thresholds all hold.
Enter lies above leave, so that after one move no other is due at the same instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.scorer.core.combined import Shown, shown_at
from shared.decay import score_at
from shared.lead_state import JourneyState, ModelState
from shared.ruleset.document import Stage

# A billionth of a point: less is nothing, and a threshold is reached to within it.
TOLERANCE = 1e-9

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


@dataclass(slots=True, frozen=True)
class Ladder:
    """One journey's stages, lowest first.

    place: by stage name · above: for each place, and at -1 for a stage that isn't known, the
    places above with what enters them, highest first · nearest: for each such place, by model, the
    least value at which some place above could be entered · watched: the models that any threshold
    names · models: all, for what a change tells · scores: how they are shown, None where only plain
    ones are watched · general: what is watched doesn't fade by half-lives alone.
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


def compile_ladder(
    name: str,
    stages: list[Stage],
    models: tuple[str, ...],
    scores: Mapping[str, Shown] | None = None,
    *,
    general: bool = False,
) -> Ladder:
    """models: every model of the ruleset, whose values a change tells."""
    rungs = tuple(
        Rung(
            name=stage.name,
            enter=_thresholds(stage.enter),
            leave=_thresholds(stage.leave),
            dwell_ms=stage.dwell or 0,
            handoff=stage.handoff,
        )
        for stage in stages
    )
    place = {rung.name: at for at, rung in enumerate(rungs)}
    above = _above(rungs)
    return Ladder(
        name=name,
        rungs=rungs,
        place=place,
        above=above,
        nearest={here: _nearest(entered) for here, entered in above.items()},
        watched=tuple(sorted({model for rung in rungs for model, _ in (*rung.enter, *rung.leave)})),
        models=models,
        scores=scores,
        general=general,
    )


def _above(rungs: tuple[Rung, ...]) -> dict[int, tuple[tuple[int, Thresholds], ...]]:
    return {
        here: tuple(
            (place, rungs[place].enter) for place in range(len(rungs) - 1, max(here, 0), -1)
        )
        for here in range(-1, len(rungs))
    }


def _nearest(above: tuple[tuple[int, Thresholds], ...]) -> dict[str, float]:
    nearest: dict[str, float] = {}
    for _, enter in above:
        for model, least in enter:
            nearest[model] = min(least, nearest.get(model, least))
    return nearest


def _thresholds(values: Mapping[str, float] | None) -> Thresholds:
    return tuple((model, float(least) - TOLERANCE) for model, least in (values or {}).items())


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
    """Does a score that the ladder watches hold negative points that decay? Else those scores only
    fall between events.
    """
    if ladder.general:
        return True
    for name in ladder.watched:
        model = models.get(name)
        if model is None:
            continue
        for half_life, total in model.sums.items():
            if total.amount < 0.0 and half_life:
                return True
    return False


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

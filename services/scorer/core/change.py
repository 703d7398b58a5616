"""One change of a stage: its number, its episode, and whom it hands the lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.scorer.core.compiled import Ruleset
from services.scorer.core.consenting import suppressed_by
from services.scorer.core.ladder import Ladder, Row, value_of
from services.scorer.core.timed import Moment
from services.scorer.core.watching import NOTHING_WATCHED
from shared.facts import Cause, Handoff, Reason, StageChange
from shared.lead_state import JourneyState, ScoreState


@dataclass(slots=True, frozen=True)
class Release:
    """A sales hand-off that waited, by the change it came from."""

    journey: str
    stage: str
    seq: int


def last_seq(journeys: Sequence[JourneyState]) -> int:
    """The number of the lead's newest change: all its journeys are counted together."""
    return max(journey.seq for journey in journeys)


def move(
    ladder: Ladder,
    state: ScoreState,
    journeys: list[JourneyState],
    journey: JourneyState,
    to: int,
    at_ms: int,
    cause: Cause,
    known: bool,
    hand_off: bool,
    reasons: list[Reason],
    actor: str = "",
) -> StageChange:
    """Move the journey, in place, and say so. A way that isn't told, see Ladder.told, takes no
    number of the lead's sequence: its seq is 0.
    """
    here = ladder.place.get(journey.stage, -1)
    rung = ladder.stage_at(to)
    count = len(ladder.rungs)
    came_back = to < count <= here
    if came_back:
        _come_back(journey)
        here = -1  # whatever the stage, it is entered from below
    elif to >= count:
        _set_aside(journey)
    handoff: Handoff | None = None
    waiting = False
    enters = to > here or to >= count  # also from one stage beside the ladder to another
    rows = _holding(ladder, state, to, at_ms)
    receivers = [rung.handoff, *(row.handoff for row in rows)]
    if "sales" in receivers and enters and rung.name not in journey.handed_off:
        handoff = "sales"
    elif "content" in receivers:
        handoff = "content"
    suppressed = "" if handoff is None else suppressed_by(ladder.consent, state, handoff)
    if handoff == "sales" and not suppressed:
        waiting = hand_off and not known
    told = ladder.told in {None, to}
    if told:
        journey.seq = last_seq(journeys) + 1
    if to < here and journey.waiting_seq:
        # Nobody was told yet, and it no longer holds: it may be handed over when it rises again.
        journey.waiting_seq = 0
        journey.handed_off = [
            name for name in journey.handed_off if ladder.place.get(name, 0) <= to
        ]
    if handoff == "sales" and not suppressed:  # else sales wasn't told, and may be some day
        journey.handed_off = [*journey.handed_off, rung.name]
        if waiting:
            journey.waiting_seq = journey.seq
    if to == 0 and here != 0 and not came_back:
        journey.episode += 1
        journey.handed_off = []
    change = StageChange(
        journey=ladder.name,
        from_stage=journey.stage,
        to_stage=rung.name,
        at_ms=at_ms,
        seq=journey.seq if told else 0,
        episode=journey.episode,
        cause=cause,
        reasons=reasons,
        scores=scores_then(ladder, state, at_ms) if told else {},
        handoff=handoff,
        rows=[row.name for row in rows],
        waiting=waiting,
        withheld=(handoff is not None or bool(rows)) and not hand_off,
        suppressed=suppressed,
        actor=actor,
    )
    journey.stage = rung.name
    journey.since_ms = at_ms
    return change


def _holding(ladder: Ladder, state: ScoreState, to: int, at_ms: int) -> list[Row]:
    """The rows of the hand-off table that look at a place, and hold at this instant."""
    rows = ladder.rows.get(to)
    if not rows:
        return []
    moment = Moment(None, state.traits, state.watch or NOTHING_WATCHED, at_ms)
    return [row for row in rows if row.when is None or row.when(moment)]


def scores_then(ladder: Ladder, state: ScoreState, at_ms: int) -> dict[str, float]:
    """What a change at an instant tells of the scores: every model's, as shown."""
    return {
        name: round(value_of(state.models, name, at_ms, ladder.scores), 6) for name in ladder.models
    }


def _come_back(journey: JourneyState) -> None:
    """To the ladder: a new episode, in which the lead may be handed over again."""
    journey.episode += 1
    journey.handed_off = []
    journey.waiting_seq = 0


def _set_aside(journey: JourneyState) -> None:
    """From the ladder: what still waited for a name isn't handed over any more."""
    if journey.waiting_seq:
        journey.handed_off = journey.handed_off[:-1]
        journey.waiting_seq = 0


def became_known(
    ruleset: Ruleset, state: ScoreState, journeys: list[JourneyState]
) -> list[Release]:
    """Release the sales hand-offs that waited for the lead to become known; journeys change in
    place. One falls away before when the lead leaves its stage downwards; and now where the lead
    doesn't allow sales to contact it.
    """
    released = []
    for journey in journeys:
        ladder = ruleset.ladders.get(journey.name)
        if journey.waiting_seq and suppressed_by(ruleset.consent, state, "sales"):
            journey.handed_off = journey.handed_off[:-1]
        elif journey.waiting_seq and ladder is not None:
            here = ladder.place.get(journey.stage, 0)
            reached = [name for name in journey.handed_off if ladder.place.get(name, 0) <= here]
            stage = max(reached, key=lambda name: ladder.place.get(name, 0), default=journey.stage)
            released.append(Release(journey.name, stage, journey.waiting_seq))
        journey.waiting_seq = 0
    return released

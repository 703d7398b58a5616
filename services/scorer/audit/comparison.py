"""What is stored of a lead against the second opinion: pure.

Scores, entries, the rules that hold, traits and the number of events don't depend on the order in
which events came, so they must be equal. A stage does (others were told about it), so it only has
to agree with its own history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from services.scorer.audit.continued import Continued
from services.scorer.audit.memory import differing_memory
from services.scorer.audit.stored import StoredLead
from services.scorer.audit.yardstick import Yardstick
from services.scorer.core.by_time import advance_scores, scored_until_ms
from services.scorer.core.fold import fold_scores, new_state, position
from services.scorer.core.standing import score_at
from services.scorer.slow.lead import Granted, Oracle
from shared.bodies import open_body
from shared.consent import DELIVERY, PURPOSES
from shared.envelope import Event, decode_event, rfc3339
from shared.lead_state import (
    JourneyState,
    Position,
    ScoreState,
    decode_journeys,
    decode_scores,
)
from shared.ledger import Entry, decode_entries

# Points. Sums of very many points are compared to so many digits instead.
TOLERANCE = 1e-6
DIGITS = 1e-12
# A score that fades wrongly is right at first.
LATER_MS = 30 * 86_400_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that isn't as it should be. what: such as "score engagement" or "entry" · where:
    an instant or event, "" for the lead as a whole. Holds no personal data.
    """

    what: str
    where: str
    stored: str
    recomputed: str


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in the ledger. of: the event it belongs to, None for what time brought."""

    at_ms: int
    of: Position | None
    rule: str
    points: float
    raw: float
    clipped: str

    @property
    def order(self) -> Position:
        """At the same ms, what time brought comes first."""
        return self.of or (self.at_ms, "", "")


def differences(lead: StoredLead, yardstick: Yardstick) -> list[Difference]:
    """Everything that is stored otherwise than its events say; of entries the first alone. Raises
    what reading damaged bytes raises.
    """
    state, journeys = decode_scores(lead.scores), decode_journeys(lead.journeys)
    events, ledger = _ledger(lead, yardstick.names)
    until_ms = scored_until_ms(state)
    oracle: Oracle | Continued
    if lead.carried:
        oracle = Continued(yardstick.core, yardstick.names, lead.carried, events, until_ms)
        again = oracle.state
    else:
        oracle = yardstick.oracle(events, until_ms)
        again = fold_scores(yardstick.core, new_state(), events).state
        advance_scores(yardstick.core, again, until_ms)
    return [
        *_events(state, events, [one.state for one in lead.carried]),
        *_scores(state, oracle, yardstick, until_ms),
        *_entries(ledger, oracle),
        *_holding(state, oracle, yardstick.names),
        *_traits(state, oracle),
        *_consent(state, oracle),
        *(
            Difference(what, "", stored, recomputed)
            for what, stored, recomputed in differing_memory(state, again, yardstick.names)
        ),
        *_stage(lead, journeys),
    ]


def unreadable(why: str) -> Difference:
    """What is stored of a lead can't be worked with, or the ruleset it names can't."""
    return Difference("unreadable", "", why, "")


def _ledger(lead: StoredLead, names: Mapping[int, str]) -> tuple[list[Event], list[Line]]:
    """A lead's events in order, and all its entries in order of granting: at the same ms what time
    brought first.
    """
    read = [(decode_event(open_body(body)), decode_entries(e)) for body, e in lead.events]
    placed = sorted(((position(event), event, e) for event, e in read), key=lambda one: one[0])
    lines = [
        _line(at_ms, None, entry, names)
        for at_ms, encoded in lead.by_time
        for entry in decode_entries(encoded)
    ]
    lines += [_line(at[0], at, entry, names) for at, _, found in placed for entry in found]
    lines.sort(key=lambda line: line.order)
    return [event for _, event, _ in placed], lines


def _line(at_ms: int, of: Position | None, entry: Entry, names: Mapping[int, str]) -> Line:
    rule = names.get(entry.rule, f"rule number {entry.rule}")
    return Line(at_ms, of, rule, entry.points, entry.raw, entry.clipped)


def _events(
    state: ScoreState, events: list[Event], carried: list[ScoreState]
) -> Iterator[Difference]:
    there = len(events) + sum(one.events for one in carried)
    if state.events != there:
        yield Difference("events", "", f"{state.events} counted", f"{there} stored")
    places = [one.last for one in carried if one.last is not None]
    places += [position(events[-1])] if events else []
    last = max(places, default=None)
    if state.last != last:
        yield Difference("newest event", "", _place(state.last), _place(last))


def _scores(
    state: ScoreState, oracle: Oracle | Continued, yardstick: Yardstick, until_ms: int
) -> Iterator[Difference]:
    """Every model, as its score is shown, now and later."""
    granted = sum(abs(one.points) for one in oracle.entries)
    for model in yardstick.core.models:
        # A formula may multiply one score by another.
        size = granted * granted if yardstick.core.scores[model].formula else granted
        for at_ms in (until_ms, until_ms + LATER_MS):
            stored = score_at(yardstick.core, state, model, at_ms)
            recomputed = oracle.score(model, at_ms)
            if abs(stored - recomputed) > max(TOLERANCE, DIGITS * size):
                yield Difference(
                    f"score {model}", rfc3339(max(at_ms, 0)), f"{stored:.6f}", f"{recomputed:.6f}"
                )
                break


def _entries(ledger: list[Line], oracle: Oracle | Continued) -> Iterator[Difference]:
    due = [_due(one) for one in oracle.entries]
    granted = sum(abs(one.points) for one in due)
    for left, right in zip_longest(ledger, due):
        if left is not None and right is not None and _alike(left, right, granted):
            continue
        # Where one is missing, the other list has its next one here.
        stored = left if right is None or (left and left.order <= right.order) else None
        recomputed = right if left is None or (right and right.order <= left.order) else None
        one = stored or recomputed
        assert one is not None
        of = f" {_place(one.of)}" if one.of is not None else " by time"
        yield Difference("entry", rfc3339(one.at_ms) + of, _told(stored), _told(recomputed))
        return


def _due(one: Granted) -> Line:
    return Line(one.ms, one.by, one.rule, one.points, one.raw, one.clipped)


def _alike(left: Line, right: Line, granted: float) -> bool:
    near = max(TOLERANCE, DIGITS * granted)
    if (left.at_ms, left.of, left.rule) != (right.at_ms, right.of, right.rule):
        return False
    if abs(left.points - right.points) > near or abs(left.raw - right.raw) > near:
        return False
    # A cap that just leaves room for all of it: whether it cut is a matter of rounding.
    return left.clipped == right.clipped or abs(left.points - left.raw) <= near


def _told(line: Line | None) -> str:
    if line is None:
        return "nothing"
    cut = f" (of {line.raw:+g}, {line.clipped})" if line.clipped else ""
    return f"{line.rule} {line.points:+.6g}{cut}"


def _place(at: Position | None) -> str:
    return f"event {at[1]}/{at[2]}" if at is not None else "none"


def _holding(
    state: ScoreState, oracle: Oracle | Continued, names: Mapping[int, str]
) -> Iterator[Difference]:
    """Rules that hold, and what they gave."""
    stored = {
        names.get(number, f"rule number {number}"): points
        for model in state.models.values()
        for number, points in model.holding.items()
    }
    due = {name: points for name, (points, _) in oracle.held.items()}
    for name in sorted(stored.keys() | due.keys()):
        left, right = stored.get(name), due.get(name)
        if left is None or right is None or abs(left - right) > TOLERANCE:
            yield Difference("holds", name, _given(left), _given(right))


def _given(points: float | None) -> str:
    return "doesn't hold" if points is None else f"{points:+.6g}"


def _traits(state: ScoreState, oracle: Oracle | Continued) -> Iterator[Difference]:
    """Their names; the values are about a person."""
    for name in sorted(state.traits.keys() | oracle.traits.keys()):
        if state.traits.get(name) != oracle.traits.get(name):
            there = ["none" if name not in one.traits else "a value" for one in (state, oracle)]
            yield Difference("trait", name, *there)


def _consent(state: ScoreState, oracle: Oracle | Continued) -> Iterator[Difference]:
    """What was said of each purpose; and the region, whose name is the ruleset's."""
    for purpose in (*PURPOSES, DELIVERY):
        said, due = state.consent.get(purpose), oracle.consents.since(purpose)
        stored = "nothing said" if said is None else f"{said.granted} since {rfc3339(said.at_ms)}"
        again = "nothing said" if due is None else f"{due.granted} since {rfc3339(due.place[0])}"
        if stored != again:
            yield Difference("consent", purpose, stored, again)
    if state.region != oracle.consents.region:
        yield Difference("region", "", state.region, oracle.consents.region)


def _stage(lead: StoredLead, journeys: list[JourneyState]) -> Iterator[Difference]:
    """Each journey stands where its history ends; each change begins where the one before ended;
    they are numbered without gaps; and the row says of the main journey what the state says.
    """
    main = journeys[0]
    if (lead.stage, lead.stage_since_ms) != (main.stage, main.since_ms):
        yield Difference("stage", "in the lead's row", lead.stage, main.stage)
    if [move.seq for move in lead.moves] != list(range(1, len(lead.moves) + 1)):
        yield Difference("stage history", "", "numbers with gaps", "1, 2, 3, …")
    newest = max(journey.seq for journey in journeys)
    if newest != len(lead.moves):
        yield Difference("stage history", "", f"{len(lead.moves)} changes", f"{newest} were made")
    stands: dict[str, str] = {}
    for move in lead.moves:
        before = stands.get(move.journey, move.from_stage)
        if move.from_stage != before:
            yield Difference("stage history", f"change {move.seq}", move.from_stage, before)
        stands[move.journey] = move.to_stage
    for journey in journeys:
        ended = stands.get(journey.name, journey.stage)
        if journey.stage != ended:
            yield Difference("stage", f"journey {journey.name}", journey.stage, ended)

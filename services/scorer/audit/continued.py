"""The yardstick for a lead whose older history is deleted: what is carried forward, gone on from.

No second opinion: nothing but the core knows what it left behind. What is carried is taken as it
is; everything since is folded again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from services.scorer.core.by_time import advance_scores
from services.scorer.core.carrying import Carried, restored
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import fold_scores, position
from services.scorer.core.standing import score_at
from services.scorer.slow.lead import Granted
from shared.envelope import Event
from shared.lead_state import Position, ScoreState
from shared.ledger import Entry, TimeEntry


class Said(NamedTuple):
    """place: instant of the event, and no more."""

    granted: bool
    place: tuple[int]


class SaidLast:
    """What was said of consent, as the oracle's Consents answer."""

    def __init__(self, state: ScoreState) -> None:
        self._state = state
        self.region = state.region

    def since(self, purpose: str) -> Said | None:
        """The last word on a purpose."""
        said = self._state.consent.get(purpose)
        return None if said is None else Said(said.granted, (said.at_ms,))


class Continued:
    """Answers as the oracle does. events: in order, those that are left · until_ms: how far time
    goes.
    """

    def __init__(
        self,
        core: Ruleset,
        names: Mapping[int, str],
        carried: Sequence[Carried],
        events: Sequence[Event],
        until_ms: int,
    ) -> None:
        base, by_time = restored(core, carried)
        folded = fold_scores(core, base, events)
        self.state = folded.state
        by_time += folded.time_entries
        by_time += advance_scores(core, self.state, until_ms)
        self._core = core
        self.entries = [self._granted(one.at_ms, None, one) for one in by_time]
        for event, entries in zip(events, folded.entries, strict=True):
            place = position(event)
            self.entries += [self._granted(place[0], place, one) for one in entries]
        self.entries.sort(key=lambda one: one.by or (one.ms, "", ""))
        self.traits = self.state.traits
        self.consents = SaidLast(self.state)
        self.held = {
            names.get(number, f"rule number {number}"): (points, points)
            for model in self.state.models.values()
            for number, points in model.holding.items()
        }

    def score(self, model: str, at_ms: int) -> float:
        """As it is shown."""
        return score_at(self._core, self.state, model, at_ms)

    def _granted(self, at_ms: int, by: Position | None, entry: Entry | TimeEntry) -> Granted:
        rule = self._core.by_number[entry.rule]
        return Granted(
            rule=rule.name, model=rule.model, group=None, ms=at_ms, points=entry.points,
            raw=entry.raw, clipped=entry.clipped, kind=rule.kind, length=rule.half_life, by=by,
            after=None,
        )  # fmt: skip

"""A merged lead's history, folded as one and shared out to the leads it is made of. Pure.

Each gets the points that its own events were granted, what these used up of limits, and what they
said; time's points go to whoever's event was the newest before. Whatever that leaves, down to
rounding, is the survivor's, so that the shares add up to the whole. Sequences that are under way,
and silences, are everybody's: they are the whole's.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.scorer.core.adding import added, is_values, take_away
from services.scorer.core.by_time import advance_scores
from services.scorer.core.compiled import Ruleset
from services.scorer.core.fold import copied, fold_scores, new_state, position
from shared.decay import add_fading
from shared.envelope import Event
from shared.event_types import OPERATOR, STAGE_OVERRIDDEN
from shared.lead_state import ModelMore, ModelState, ScoreState, Watch
from shared.ledger import Entry, TimeEntry


class Division:
    """Folds events onto the sum of some leads' states, and keeps the leads apart.

    shares: how each stood before, under this ruleset (changed) · survivor: one of them.
    """

    def __init__(self, ruleset: Ruleset, survivor: UUID, shares: dict[UUID, ScoreState]) -> None:
        self._ruleset = ruleset
        self._survivor = survivor
        self._shares = shares
        shares.setdefault(survivor, new_state())
        self.whole = added(list(shares.values()))
        self._newest = max(
            (one for one in shares if shares[one].last is not None),
            key=lambda one: shares[one].last or (0, "", ""),
            default=survivor,
        )

    def fold(self, event: Event, of: UUID) -> None:
        """Take in an event of one of them, newer than all before."""
        share = self._shares.setdefault(of, new_state())
        place = position(event)
        before = copied(self.whole)
        watch = self.whole.watch
        if watch is not None and 0 <= watch.next_ms <= place[0]:
            given = advance_scores(self._ruleset, self.whole, place[0])
            self._note(self._newest, before, [(one.at_ms, one) for one in given])
            before = copied(self.whole)
        [entries] = fold_scores(self._ruleset, self.whole, [event]).entries
        self._note(of, before, [(place[0], one) for one in entries])
        self._note_counts(share, before, event, place[0])
        share.last = place
        share.events += 1
        self._newest = of

    def divided(self) -> dict[UUID, ScoreState]:
        """The state of each; they add up to the whole."""
        rest = copied(self.whole)
        shares = {one: copied(share) for one, share in self._shares.items()}
        own = shares.pop(self._survivor)
        watch = self.whole.watch
        # Of two events in one millisecond only one may be kept: it is one share's.
        left = {place: list(kept[1:]) for place, kept in watch.tallies.items()} if watch else {}
        for share in shares.values():
            self._finish(share, left)
            for name, model in share.models.items():
                take_away(rest.models.setdefault(name, _new_model()), model)
            if rest.watch is not None and share.watch is not None:
                _take_counts_away(rest.watch, share.watch)
        rest.traits, rest.consent = own.traits, own.consent
        rest.events, rest.last = own.events, own.last
        if rest.watch is not None:
            rest.watch.first_ms = own.watch.first_ms if own.watch is not None else -1
        return {self._survivor: rest, **shares}

    def _finish(self, share: ScoreState, left: dict[int, list[int]]) -> None:
        """What isn't shared out, and counts that the whole has let go. left: instants that the
        whole has kept, and no share has got yet.
        """
        share.region = self.whole.region
        for name, model in share.models.items():
            raws = (self.whole.models[name].more or _new_more()).raws
            held = {number: raw for number, raw in raws.items() if number in model.holding}
            if held or model.more is not None:
                model.more = model.more or _new_more()
                model.more.raws = held
        watch = self.whole.watch
        if watch is None:
            share.watch = None
            return
        own = share.watch or Watch(tallies={}, chains={}, armed={})
        tallies = {
            place: [own.tallies[place][0], *_taken(own.tallies[place][1:], left[place])]
            for place in watch.tallies
            if place in own.tallies
        }
        share.watch = Watch(
            own.first_ms, tallies, watch.chains, watch.armed, watch.until_ms, watch.next_ms
        )

    def _note(
        self, of: UUID, before: ScoreState, granted: Iterable[tuple[int, Entry | TimeEntry]]
    ) -> None:
        """Give one of them what has become of the whole since."""
        share = self._shares[of]
        for at_ms, entry in granted:
            if entry.points:
                self._give(share, at_ms, entry)
        for name, model in self.whole.models.items():
            was = before.models.get(name) or _new_model()
            own = share.models.setdefault(name, _new_model())
            self._note_used(name, own, was, model)
            self._note_held(name, own, was, model)
        for name in before.traits.keys() - self.whole.traits.keys():
            self._forget_trait(name)
        for name, value in self.whole.traits.items():
            if name not in before.traits or before.traits[name] != value:
                self._forget_trait(name)
                share.traits[name] = value
        for purpose, said in self.whole.consent.items():
            if before.consent.get(purpose) != said:
                share.consent[purpose] = said

    def _give(self, share: ScoreState, at_ms: int, entry: Entry | TimeEntry) -> None:
        rule = self._ruleset.by_number[entry.rule]
        if entry.clipped == "taken back":
            # From those who had it.
            for other in self._shares.values():
                model = other.models.get(rule.model)
                held = model.holding.pop(rule.number, 0.0) if model is not None else 0.0
                if held and model is not None:
                    add_fading(model, rule.part, rule.kind, rule.half_life, at_ms, -held)
            return
        model = share.models.setdefault(rule.model, _new_model())
        add_fading(model, rule.part, rule.kind, rule.half_life, at_ms, entry.points)
        if rule.on_trait:
            model.holding[rule.number] = entry.points

    def _note_used(self, name: str, own: ModelState, was: ModelState, now: ModelState) -> None:
        """Limits and caps of periods; a new period begins for all."""
        for number, used in now.limits.items():
            earlier = was.limits.get(number)
            if used == earlier:
                continue
            if earlier is None or earlier[0] != used[0]:
                for other in self._shares.values():
                    if name in other.models:
                        other.models[name].limits.pop(number, None)
                own.limits[number] = list(used)
                continue
            mine = own.limits.setdefault(number, [used[0]] if is_values(used) else [used[0], 0])
            if is_values(used):
                mine += used[len(earlier) :]
            else:
                mine[1] += used[1] - earlier[1]
        periods = now.more.periods if now.more is not None else {}
        for key, (bucket, given) in periods.items():
            before = was.more.periods.get(key) if was.more is not None else None
            if before == (bucket, given):
                continue
            own.more = own.more or _new_more()
            if before is None or before[0] != bucket:
                for other in self._shares.values():
                    more = other.models[name].more if name in other.models else None
                    if more is not None:
                        more.periods.pop(key, None)
                before = (bucket, 0.0)
            mine_given = own.more.periods.get(key, (bucket, 0.0))[1]
            own.more.periods[key] = (bucket, mine_given + given - before[1])

    def _note_held(self, name: str, own: ModelState, was: ModelState, now: ModelState) -> None:
        """Rules that hold since, and those that ceased to: these may have held for nothing, so that
        no entry took anything back.
        """
        for number, points in now.holding.items():
            if was.holding.get(number) != points:
                own.holding[number] = points
        for number in was.holding.keys() - now.holding.keys():
            for other in self._shares.values():
                if name in other.models:
                    other.models[name].holding.pop(number, None)

    def _note_counts(self, share: ScoreState, before: ScoreState, event: Event, at_ms: int) -> None:
        watch = self.whole.watch
        by_hand = event.type == STAGE_OVERRIDDEN and event.source == OPERATOR
        if watch is None or by_hand or event.verdict.judgement == "bot":
            return
        was = before.watch or Watch()
        own = share.watch = share.watch or Watch(tallies={}, chains={}, armed={})
        own.first_ms = at_ms if own.first_ms < 0 else own.first_ms
        for place, kept in watch.tallies.items():
            if kept[0] != was.tallies.get(place, [0])[0]:
                mine = own.tallies.setdefault(place, [0])
                mine[0] += 1
                mine.append(at_ms)

    def _forget_trait(self, name: str) -> None:
        for share in self._shares.values():
            share.traits.pop(name, None)


def _new_model() -> ModelState:
    return ModelState(sums={}, limits={}, holding={})


def _new_more() -> ModelMore:
    return ModelMore(parts={}, periods={}, raws={})


def _taken(mine: list[int], left: list[int]) -> list[int]:
    """Those of mine that are left, as often as they are; they are taken from there."""
    found = []
    for at_ms in reversed(mine):
        if at_ms in left:
            left.remove(at_ms)
            found.append(at_ms)
    return found[::-1]


def _take_counts_away(total: Watch, watch: Watch) -> None:
    for place, counts in watch.tallies.items():
        kept = total.tallies.get(place)
        if kept is None:
            continue
        left = list(kept[1:])
        _taken(counts[1:], left)
        total.tallies[place] = [kept[0] - counts[0], *left]
        if not total.tallies[place][0]:
            del total.tallies[place]

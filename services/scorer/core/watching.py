"""What a lead's events leave behind for conditions over time, and what time makes of it."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from services.scorer.core.consenting import is_frozen
from services.scorer.core.timed import Chain, Moment, Tally, Touched
from shared.envelope import Event
from shared.lead_state import ScoreState, Watch

if TYPE_CHECKING:
    from services.scorer.core.compiled import Rule, Ruleset


# For reading, where a lead has none.
NOTHING_WATCHED = Watch()


def watch_of(state: ScoreState) -> Watch:
    """The lead's, begun if there is none yet."""
    if state.watch is None:
        state.watch = Watch(tallies={}, chains={}, armed={})
    return state.watch


def completed(ruleset: Ruleset, state: ScoreState, event: Event, at_ms: int) -> tuple[int, ...]:
    """The sequences that an event completes; nothing is changed."""
    watch = state.watch
    if watch is None or not watch.chains:
        return ()
    found = []
    for chain, numbers in ruleset.tallies.touched_by(event.type).steps:
        last = len(chain.steps) - 1
        begun = watch.chains.get(chain.place)
        if begun is None or last not in numbers or begun[-1] < 0:
            continue
        if begun[-1] >= at_ms - chain.within and _is_step(chain, last, event, state):
            found.append(chain.place)
    return tuple(found)


def lapse(state: ScoreState, at_ms: int) -> None:
    """Disarm the silences that were over by an instant."""
    watch = state.watch
    if watch is not None:
        watch.armed = {number: due for number, due in watch.armed.items() if due > at_ms}


def _is_step(chain: Chain, number: int, event: Event, state: ScoreState) -> bool:
    check = chain.steps[number][1]
    return check is None or check(event, state.traits)


def take_in(ruleset: Ruleset, state: ScoreState, event: Event, at_ms: int) -> None:
    """Count an event, go on with sequences, and begin silences anew."""
    watch = watch_of(state)
    if watch.first_ms < 0:
        watch.first_ms = at_ms
    touched = ruleset.tallies.touched_by(event.type)
    counted = []
    for tally in touched.tallies:
        if tally.check is None or tally.check(event, state.traits):
            _count(watch, tally, at_ms)
            counted.append(tally.place)
    if touched.steps:
        _go_on(touched, state, watch, event, at_ms)
    for rule in ruleset.silence_rules:
        if rule.silence_tally in counted:
            watch.armed[rule.number] = at_ms + rule.silence_ms


def _count(watch: Watch, tally: Tally, at_ms: int) -> None:
    kept = watch.tallies.get(tally.place)
    if kept is None:
        watch.tallies[tally.place] = [1, at_ms]
        return
    if tally.keep == 1 and len(kept) == 2:
        kept[0] += 1
        kept[1] = at_ms
        return
    # What no window or count can see any more goes; the newest always stays.
    first = max(len(kept) + 1 - tally.keep, 1)
    gone = bisect_right(kept, at_ms - tally.longest, lo=1) if tally.longest else 1
    watch.tallies[tally.place] = [kept[0] + 1, *kept[max(first, gone) :], at_ms]


def _go_on(touched: Touched, state: ScoreState, watch: Watch, event: Event, at_ms: int) -> None:
    for chain, numbers in touched.steps:
        steps = len(chain.steps) - 1
        begun = watch.chains.get(chain.place)
        for number in reversed(numbers):  # so that an event is one step only
            if number == steps:
                continue
            start = at_ms if number == 0 else -1 if begun is None else begun[number - 1]
            if start < 0 or not _is_step(chain, number, event, state):
                continue
            if begun is None:
                begun = watch.chains[chain.place] = [-1] * steps
            begun[number] = max(begun[number], start)


def schedule(ruleset: Ruleset, state: ScoreState) -> None:
    """Work out when time gives or takes points next. Rules must stand as they do at the newest
    event, or at watch.until_ms. While the lead doesn't allow scoring: never.
    """
    watch = watch_of(state)
    if (state.consent or ruleset.consent) and is_frozen(ruleset.consent, state):
        watch.next_ms = -1
        return
    now_ms = max(watch.until_ms, state.last[0] if state.last is not None else -1)
    due = min(watch.armed.values(), default=-1)
    for rule in ruleset.timed_rules:
        turn = _next_turn(rule, state, watch, now_ms)
        if turn >= 0 and (due < 0 or turn < due):
            due = turn
    watch.next_ms = due


def _next_turn(rule: Rule, state: ScoreState, watch: Watch, now_ms: int) -> int:
    assert rule.timed is not None
    held = holding(state, rule)
    turns = {turn(watch) for turn in rule.turns}
    for at_ms in sorted(turn for turn in turns if turn is not None and turn > now_ms):
        if holds(rule, Moment(None, state.traits, watch, at_ms)) != held:
            return at_ms
    return -1


def holding(state: ScoreState, rule: Rule) -> bool:
    """Is a rule's condition taken to hold?"""
    model = state.models.get(rule.model)
    return model is not None and rule.number in model.holding


def holds(rule: Rule, moment: Moment) -> bool:
    """Does a rule's whole condition hold?"""
    if rule.check is not None and not rule.check(moment.event, moment.traits):  # type: ignore[arg-type]
        return False
    return rule.timed is None or rule.timed(moment)


def due_rules(ruleset: Ruleset, state: ScoreState, at_ms: int) -> list[Rule]:
    """The rules that time turns at an instant, in order; silences that are over are disarmed."""
    watch = watch_of(state)
    moment = Moment(None, state.traits, watch, at_ms)
    due = [rule for rule in ruleset.timed_rules if holds(rule, moment) != holding(state, rule)]
    for rule in ruleset.silence_rules:
        if 0 <= watch.armed.get(rule.number, -1) <= at_ms:
            del watch.armed[rule.number]
            if holds(rule, moment):
                due.append(rule)
    return sorted(due, key=lambda rule: rule.order)

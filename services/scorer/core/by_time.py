"""Points that time gives and takes: rules that hold by conditions over time, and silences."""

from __future__ import annotations

from services.scorer.core.compiled import Ruleset
from services.scorer.core.granting import grant
from services.scorer.core.watching import due_rules, schedule
from shared.lead_state import ScoreState
from shared.ledger import TimeEntry


def next_flip_ms(state: ScoreState) -> int | None:
    """When time gives or takes points next, None for never."""
    watch = state.watch
    return None if watch is None or watch.next_ms < 0 else watch.next_ms


def scored_until_ms(state: ScoreState) -> int:
    """The instant that the scores have been folded up to, -1 for a new lead. An event before it
    is a late one: the lead has to be folded again.
    """
    last_ms = -1 if state.last is None else state.last[0]
    return last_ms if state.watch is None else max(last_ms, state.watch.until_ms)


def advance_scores(ruleset: Ruleset, state: ScoreState, until_ms: int) -> list[TimeEntry]:
    """Grant and take back what time brings up to and at until_ms, each at its own instant.

    The state changes in place. Entries are in order of their instants and rules.
    """
    watch = state.watch
    entries: list[TimeEntry] = []
    if watch is None or state.last is None:
        return entries
    while 0 <= watch.next_ms <= until_ms:
        at_ms = watch.next_ms
        granted = grant(state, None, at_ms, due_rules(ruleset, state, at_ms))
        entries += [
            TimeEntry(at_ms, one.rule, one.points, one.raw, one.clipped, state.last)
            for one in granted
        ]
        watch.until_ms = at_ms
        schedule(ruleset, state)
    return entries

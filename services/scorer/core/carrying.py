"""What is left of a history that retention has deleted: a lead's scores as they stood, carried
forward. Pure.

A carry knows what its counts over time count, for that is numbered anew with each ruleset. Several
carries add up to one state: points, limits, what was given in a period and counts are sums; of
traits and consent the last word counts. Points stay as they were granted.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from services.scorer.core.adding import added
from services.scorer.core.compiled import Rule, Ruleset
from services.scorer.core.fold import copied
from services.scorer.core.granting import grant
from services.scorer.core.matching import turned_rules
from services.scorer.core.timed import Moment
from services.scorer.core.watching import NOTHING_WATCHED, schedule
from shared.lead_state import ScoreState, decode_scores
from shared.ledger import TimeEntry


class Carried(msgspec.Struct):
    """state: after the newest deleted event; its watch counts nothing · version: of the ruleset it
    was folded under · tallies, chains: of its watch, by a hash of what they count.
    """

    state: ScoreState
    version: int
    tallies: dict[str, list[int]] = {}
    chains: dict[str, list[int]] = {}


_decoder = msgspec.msgpack.Decoder(tuple[dict[str, list[int]], dict[str, list[int]]])
_encoder = msgspec.msgpack.Encoder()


def encode_counts(carried: Carried) -> bytes:
    """Its tallies and chains; the state is stored apart."""
    return _encoder.encode((carried.tallies, carried.chains))


def stored_carried(scores: bytes, version: int, counts: bytes) -> Carried:
    """From a row of the table carry."""
    return Carried(decode_scores(scores), version, *_decoder.decode(counts))


def carried(ruleset: Ruleset, state: ScoreState) -> Carried:
    """The state as it is kept; a copy."""
    state = copied(state)
    made = Carried(state, ruleset.version, {}, {})
    if (watch := state.watch) is not None:
        tallies = {one.place: key for key, one in ruleset.tallies.tallies.items()}
        chains = {one.place: key for key, one in ruleset.tallies.chains.items()}
        made.tallies = {_hash(tallies[place]): kept for place, kept in watch.tallies.items()}
        made.chains = {_hash(chains[place]): kept for place, kept in watch.chains.items()}
        watch.tallies, watch.chains = {}, {}
    return made


def restored(ruleset: Ruleset, carries: Sequence[Carried]) -> tuple[ScoreState, list[TimeEntry]]:
    """One state of all carries, at least one, to fold what came later onto.

    Under a ruleset other than theirs: models that are gone are dropped, and rules on traits are
    looked at once, right after the newest event: what these give and take back are the entries.
    """
    states = [_counting(ruleset, one) for one in carries]
    old = [one.version != ruleset.version for one in carries]
    for state, is_old in zip(states, old, strict=True):
        if is_old:
            _fit(ruleset, state)
    state = added(states)
    entries = _turned(ruleset, state) if any(old) else []
    if not ruleset.watching:
        state.watch = None
    elif ruleset.flips and state.watch is not None and (any(old) or len(carries) > 1):
        schedule(ruleset, state)
    return state, entries


def _counting(ruleset: Ruleset, kept: Carried) -> ScoreState:
    """Its state, a copy, with what the ruleset still counts."""
    state = copied(kept.state)
    if state.watch is not None:
        for key, tally in ruleset.tallies.tallies.items():
            if (counts := kept.tallies.get(_hash(key))) is not None:
                state.watch.tallies[tally.place] = list(counts)
        for key, chain in ruleset.tallies.chains.items():
            if (begun := kept.chains.get(_hash(key))) is not None:
                state.watch.chains[chain.place] = list(begun)
    return state


def _fit(ruleset: Ruleset, state: ScoreState) -> None:
    """Forget what only another ruleset understands."""
    state.models = {name: one for name, one in state.models.items() if name in ruleset.models}
    for name, model in state.models.items():
        rules = {n: r for n, r in ruleset.by_number.items() if r.model == name}
        model.limits = {
            number: used
            for number, used in model.limits.items()
            if number in rules and _counts_alike(rules[number], used)
        }
        model.holding = {
            number: points
            for number, points in model.holding.items()
            if number in rules and rules[number].on_trait
        }
        if model.more is not None:
            raws = model.more.raws
            model.more.raws = {n: raw for n, raw in raws.items() if n in model.holding}
    if state.watch is not None:
        silent = {rule.number for rule in ruleset.silence_rules}
        armed = state.watch.armed
        state.watch.armed = {number: at for number, at in armed.items() if number in silent}


def _counts_alike(rule: Rule, used: list[int]) -> bool:
    """Is it a number of times, or a list of values, as the rule's limit has it?"""
    return (rule.value_of is not None) == (used[1] >= 1 << 63)


def _turned(ruleset: Ruleset, state: ScoreState) -> list[TimeEntry]:
    """Rules that hold by the traits there are, under a ruleset that wasn't there then."""
    if state.last is None:
        return []
    at_ms = state.last[0] + 1
    watch = state.watch if state.watch is not None else NOTHING_WATCHED
    moment = Moment(None, state.traits, watch, at_ms)
    granted = grant(state, None, at_ms, turned_rules(ruleset.trait_rules, state, moment))
    return [
        TimeEntry(at_ms, one.rule, one.points, one.raw, one.clipped, state.last) for one in granted
    ]


def _hash(key: str) -> str:
    return blake2b(key.encode(), digest_size=8).hexdigest()

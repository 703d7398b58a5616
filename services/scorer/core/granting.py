"""Points for one event: limits, caps and trait rules, in the order of the ruleset.

Points granted = the rule's points, unless its limit is reached, cut to what the model's cap leaves
above the decayed value at that moment. Only positive points are cut. What was granted decays.
"""

from __future__ import annotations

import math
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from services.scorer.core.compile import Rule, Ruleset
from services.scorer.core.ladder import TOLERANCE
from shared.decay import add_points, score_at
from shared.envelope import EPOCH, Event
from shared.lead_state import ModelState, ScoreState
from shared.ledger import Entry

MAX_TRAITS = 64
MAX_TRAIT_BYTES = 1000

_DAY_MS = 86_400_000
_json = msgspec.json.Encoder(order="sorted")
_msgpack = msgspec.msgpack.Encoder()


def grant(state: ScoreState, event: Event, at_ms: int, matched: list[Rule]) -> list[Entry]:
    """Add an event's points to the state, which is changed in place. Returns its entries.

    matched: event rules that match and trait rules that begin or stop to hold, in order.
    """
    entries: list[Entry] = []
    for rule in matched:
        model = state.models.get(rule.model)
        if model is None:
            model = state.models[rule.model] = ModelState(sums={}, limits={}, holding={})
        if rule.on_trait:
            entry = _turn(rule, model, at_ms)
        elif rule.most and not _within_limit(rule, model, event, state.traits, at_ms):
            continue
        else:
            entry = _add(rule, model, at_ms)
        if entry is not None:
            entries.append(entry)
    return entries


def _add(rule: Rule, model: ModelState, at_ms: int) -> Entry | None:
    points = rule.points
    clipped = ""
    if points > 0 and rule.cap != math.inf:
        room = rule.cap - score_at(model, at_ms)
        if room < points:
            points, clipped = room, "cap"
            if points < TOLERANCE:
                return None
    if points == 0:
        return None
    add_points(model, rule.half_life, at_ms, points)
    return Entry(rule.number, points, rule.points, clipped)


def _turn(rule: Rule, model: ModelState, at_ms: int) -> Entry | None:
    """A trait rule that begins to hold, or stops: then what it gave is taken back."""
    held = model.holding.pop(rule.number, None)
    if held is None:
        entry = _add(rule, model, at_ms)
        model.holding[rule.number] = entry.points if entry is not None else 0.0
        return entry
    if held == 0.0:
        return None
    add_points(model, 0, at_ms, -held)
    return Entry(rule.number, -held, -rule.points, "taken back")


def _within_limit(
    rule: Rule, model: ModelState, event: Event, traits: dict[str, Any], at_ms: int
) -> bool:
    """Count this match against the rule's limit; False when the limit was reached before."""
    length = rule.period_ms
    bucket = (at_ms + rule.period_offset_ms) // length if length else month_of(at_ms)
    used = model.limits.get(rule.number)
    if rule.value_of is not None:
        value = fingerprint(rule.value_of(event, traits))
        if used is None or used[0] != bucket:
            model.limits[rule.number] = [bucket, value]
            return True
        if len(used) > rule.most or value in used:
            return False
        used.append(value)
        return True
    if used is None or used[0] != bucket:
        model.limits[rule.number] = [bucket, 1]
        return True
    if used[1] >= rule.most:
        return False
    used[1] += 1
    return True


def month_of(at_ms: int) -> int:
    """The number of the calendar month (UTC) that an instant lies in."""
    date = EPOCH + timedelta(days=at_ms // _DAY_MS)
    return date.year * 12 + date.month


def fingerprint(value: Any) -> int:
    """Eight bytes of a hash, for a value in a limit; a missing value counts as one of its own."""
    return _text_hash(value) if type(value) is str else _hash(b"j" + _json.encode(value))


@lru_cache(maxsize=16_384)
def _text_hash(text: str) -> int:
    return _hash(b"s" + text.encode("utf-8", "surrogatepass"))


def _hash(data: bytes) -> int:
    # 2^63 and more, so that it can't be taken for the period it stands beside.
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big") | 1 << 63


def fold_traits(ruleset: Ruleset, state: ScoreState, traits: dict[str, Any]) -> bool:
    """Take an event's traits into the state; None removes one. True when something changed.

    At most 64 names are kept: first those that rules read, then by name. A value that can't be
    kept takes the one before away all the same.
    """
    kept = state.traits
    changed = False
    for name, value in traits.items():
        if value is not None and _can_be_kept(value):
            before = kept.get(name)
            if before != value or type(before) is not type(value):
                kept[name] = value
                changed = True
        elif name in kept:
            del kept[name]
            changed = True
    if len(kept) > MAX_TRAITS:
        names = sorted(kept, key=lambda name: (name not in ruleset.trait_names, name))
        for name in names[MAX_TRAITS:]:
            del kept[name]
    return changed


def _can_be_kept(value: Any) -> bool:
    """Short enough, and no whole number of more than 64 bits, which the state can't hold."""
    if type(value) is str:
        return len(value) <= MAX_TRAIT_BYTES // 4 or len(value.encode()) <= MAX_TRAIT_BYTES
    try:
        return len(_msgpack.encode(value)) <= MAX_TRAIT_BYTES
    except OverflowError:
        return False


def turned_rules(ruleset: Ruleset, state: ScoreState, event: Event) -> list[Rule]:
    """The trait rules that begin to hold, or stop, with the traits as they are now."""
    turned = []
    for rule in ruleset.trait_rules:
        model = state.models.get(rule.model)
        holds = model is not None and rule.number in model.holding
        if (rule.check is None or rule.check(event, state.traits)) != holds:
            turned.append(rule)
    return turned

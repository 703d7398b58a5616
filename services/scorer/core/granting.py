"""Points for one event, or one instant: limits, caps and floors, in the order of the ruleset.

Points granted = the rule's points, unless its limit is reached, cut to the least that any cap
leaves above what was granted before, decayed to that moment; negative points are cut to what is
left above the floor. What is cut to nothing leaves an entry that says why.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from services.scorer.core.compiled import Bound, Rule, Ruleset
from services.scorer.core.ladder import TOLERANCE
from shared.decay import add_fading, add_points, part_at, score_at
from shared.envelope import EPOCH, Event
from shared.lead_state import ModelMore, ModelState, ScoreState
from shared.ledger import Entry, TimeEntry

MAX_TRAITS = 64
MAX_TRAIT_BYTES = 1000

_DAY_MS = 86_400_000
_ENDLESS = math.inf
_json = msgspec.json.Encoder(order="sorted")
_msgpack = msgspec.msgpack.Encoder()


def grant(state: ScoreState, event: Event | None, at_ms: int, matched: list[Rule]) -> list[Entry]:
    """Add points to the state, which is changed in place. Returns the entries, in order.

    matched: event rules that match, and rules that begin or cease to hold or vary, or are due
    after a silence, in order. event: None for what time brings.
    """
    entries: list[Entry] = []
    traits = state.traits
    # The value of the model that simple rules added to last: computed once for them all.
    valued: ModelState | None = None
    value = 0.0
    for rule in matched:
        model = state.models.get(rule.model)
        if model is None:
            model = state.models[rule.model] = ModelState(sums={}, limits={}, holding={})
        if rule.on_trait:
            valued = None
            turned = _turn(rule, model, event, traits, at_ms)
            if turned is not None:
                entries.append(turned)
        elif not rule.simple and not rule.valid_from <= at_ms < rule.valid_to:
            continue
        elif rule.most and not _within_limit(rule, model, event, traits, at_ms):
            if rule.beyond is not None:
                entries.append(rule.beyond)
            elif event is not None:
                entries.append(Entry(rule.number, 0.0, _raw(rule, event, traits), "limit"))
        elif rule.simple:
            if model is not valued and rule.cap != _ENDLESS:
                value, valued = score_at(model, at_ms), model
            entry = _add_simply(rule, model, at_ms, value)
            entries.append(entry)
            value += entry.points
        elif raw := _raw(rule, event, traits):
            valued = None
            entries.append(_add(rule, model, at_ms, raw))
    return entries


def _add_simply(rule: Rule, model: ModelState, at_ms: int, value: float) -> Entry:
    """Grant a simple rule's points. value: of the model, where the rule has a cap."""
    points, clipped = rule.points, ""
    if points > 0 and rule.cap - value < points:
        points, clipped = rule.cap - value, "cap"
        if points < TOLERANCE:
            return Entry(rule.number, 0.0, rule.points, clipped)
    add_points(model, rule.half_life, at_ms, points)
    return Entry(rule.number, points, rule.points, clipped)


def _raw(rule: Rule, event: Event | None, traits: dict[str, Any]) -> float:
    """What a rule gives before anything cuts it."""
    return rule.points if rule.points_of is None else rule.points_of(event, traits)


def refused(
    state: ScoreState, event: Event, at_ms: int, matched: list[Rule], why: str
) -> list[Entry]:
    """The entries of an event that may not earn anything: nothing, for each rule that it matches.
    why: what `clipped` says.
    """
    return [
        Entry(rule.number, 0.0, _raw(rule, event, state.traits), why)
        for rule in matched
        if rule.valid_from <= at_ms < rule.valid_to
    ]


def _add(rule: Rule, model: ModelState, at_ms: int, raw: float) -> Entry:
    """Grant raw points, cut to the room that is left."""
    points, clipped = _cut(rule, model, at_ms, raw)
    if abs(points) < TOLERANCE and clipped:
        return Entry(rule.number, 0.0, raw, clipped)
    add_fading(model, rule.part, rule.kind, rule.half_life, at_ms, points)
    if points > 0:
        for bound in rule.bounds:
            bucket, given = _given(bound, model, at_ms)
            assert model.more is not None
            model.more.periods[bound.key] = (bucket, given + points)
    return Entry(rule.number, points, raw, clipped)


def _cut(rule: Rule, model: ModelState, at_ms: int, raw: float) -> tuple[float, str]:
    """What caps and the floor leave of raw points, and which of them was the narrowest."""
    points, clipped = raw, ""
    if raw < 0:
        if rule.floor != -_ENDLESS:
            room = max(score_at(model, at_ms) - rule.floor, 0.0)
            if room < -raw:
                points, clipped = -room, "floor"
        return points, clipped
    for bound in rule.bounds[: rule.group_bounds]:
        room = bound.most - _given(bound, model, at_ms)[1]
        if room < points:
            points, clipped = room, bound.word
    if rule.group_cap != _ENDLESS:
        part = model.more.parts.get(rule.part) if model.more is not None else None
        room = rule.group_cap - (0.0 if part is None else part_at(part, at_ms))
        if room < points:
            points, clipped = room, "group cap"
    for bound in rule.bounds[rule.group_bounds :]:
        room = bound.most - _given(bound, model, at_ms)[1]
        if room < points:
            points, clipped = room, bound.word
    if rule.cap != _ENDLESS:
        room = rule.cap - score_at(model, at_ms)
        if room < points:
            points, clipped = room, "cap"
    return max(points, 0.0), clipped


def _given(bound: Bound, model: ModelState, at_ms: int) -> tuple[int, float]:
    """(the period an instant lies in, what was given in it so far)."""
    length = bound.period_ms
    bucket = (at_ms + bound.offset_ms) // length if length else month_of(at_ms)
    if model.more is None:
        model.more = ModelMore(parts={}, periods={}, raws={})
    before = model.more.periods.get(bound.key)
    return before if before is not None and before[0] == bucket else (bucket, 0.0)


def _turn(
    rule: Rule, model: ModelState, event: Event | None, traits: dict[str, Any], at_ms: int
) -> Entry | None:
    """A rule that begins to hold, or ceases to: then what it gave is taken back."""
    held = model.holding.pop(rule.number, None)
    if held is not None:
        before = rule.points
        if rule.points_of is not None and model.more is not None:
            before = model.more.raws.pop(rule.number, 0.0)
        if held == 0.0:
            return None
        add_fading(model, rule.part, "half_life", 0, at_ms, -held)
        return Entry(rule.number, -held, -before, "taken back")
    raw = rule.points
    if rule.points_of is not None:
        raw = rule.points_of(event, traits)
        if model.more is None:
            model.more = ModelMore(parts={}, periods={}, raws={})
        model.more.raws[rule.number] = raw
    entry = _add(rule, model, at_ms, raw) if raw else None
    model.holding[rule.number] = entry.points if entry is not None else 0.0
    return entry


def _within_limit(
    rule: Rule, model: ModelState, event: Event | None, traits: dict[str, Any], at_ms: int
) -> bool:
    """Count this match against the rule's limit; False when the limit was reached before."""
    length = rule.period_ms
    bucket = (at_ms + rule.period_offset_ms) // length if length else month_of(at_ms)
    used = model.limits.get(rule.number)
    if rule.value_of is not None:
        value = fingerprint(rule.value_of(event, traits))  # type: ignore[arg-type]
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


def any_points(entries: Sequence[Entry | TimeEntry]) -> bool:
    return any(entry.points for entry in entries)


def any_loss(entries: Sequence[Entry]) -> bool:
    return any(entry.points < 0.0 for entry in entries)

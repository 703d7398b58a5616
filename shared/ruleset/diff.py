"""What changed from one ruleset to another, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from shared.ruleset.condition import Condition
from shared.ruleset.condition_words import condition_words, duration_words, number_words
from shared.ruleset.document import RulesetDocument
from shared.ruleset.model import Decay, Limit, Model, PointsFrom, Valid
from shared.ruleset.part import Part
from shared.ruleset.rule_words import (
    decay_words,
    limit_words,
    points_words,
    rule_sentence,
    valid_words,
)

Kind = Literal["added", "removed", "changed"]
# Fields that hold milliseconds.
_DURATIONS = {"dwell", "quiet", "within", "for_", "half_life", "window", "to_zero_in", "after"}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is new, gone or different. where: such as rule engagement/demo · details:
    what it is, or each key with its old and new value.
    """

    kind: Kind
    where: str
    details: tuple[str, ...] = ()


def changes_between(before: RulesetDocument, after: RulesetDocument) -> list[Change]:
    """Everything that differs, models first, tests last; empty for the same ruleset."""
    found = list(_keyed("model", before.models, after.models, _model_details, skip=("rules",)))
    for name in after.models:
        if name in before.models:
            found += _rules(name, before.models[name], after.models[name])
    for key in type(after).model_fields:
        if key != "models":
            found += _part(key, getattr(before, key), getattr(after, key))
    return found


def _rules(name: str, before: Model, after: Model) -> Iterator[Change]:
    old = {rule.id: rule for rule in before.rules}
    new = {rule.id: rule for rule in after.rules}
    for key, rule in new.items():
        where = f"rule {name}/{key}"
        if key not in old:
            yield Change("added", where, (rule_sentence(name, after, rule),))
        elif details := tuple(_fields(old[key], rule)):
            yield Change("changed", where, details)
    for key, rule in old.items():
        if key not in new:
            yield Change("removed", f"rule {name}/{key}", (rule_sentence(name, before, rule),))
    kept = [key for key in old if key in new]
    if kept != [key for key in new if key in old]:
        yield Change("changed", f"model {name}", ("the order of its rules",))


def _model_details(model: Any) -> tuple[str, ...]:
    return (f"with {len(model.rules)} rules",) if model.rules else ()


def _part(key: str, before: Any, after: Any) -> Iterator[Change]:
    """A key of the whole document: one value, named parts, or a list of them."""
    if before == after:
        return
    listed = _by_name(before), _by_name(after)
    if listed[0] is not None and listed[1] is not None:
        yield from _keyed(_SINGULAR.get(key, key), listed[0], listed[1], lambda _: ())
    elif isinstance(before, Part) and isinstance(after, Part):
        for name in type(after).model_fields:
            yield from _part(f"{key} {name}", getattr(before, name), getattr(after, name))
    elif before is None or after is None:
        kind: Kind = "added" if before is None else "removed"
        yield Change(kind, key, (words_of("", after if before is None else before),))
    else:
        yield Change("changed", key, (_arrow(key, before, after),))


_SINGULAR = {
    "personas": "persona",
    "segments": "segment",
    "journeys": "journey",
    "bands": "bands of",
    "tests": "test",
    "consent regions": "consent region",
    "stages ladder": "stage",
    "stages side": "side stage",
}


def _by_name(value: Any) -> dict[str, Any] | None:
    """Parts by their names; None for what isn't a collection of parts."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list) and all(isinstance(part, Part) for part in value):
        return {str(getattr(part, "id", None) or getattr(part, "name", "")): part for part in value}
    return None


def _keyed(
    noun: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    describe: Callable[[Any], tuple[str, ...]],
    skip: Sequence[str] = (),
) -> Iterator[Change]:
    for name, part in after.items():
        if name not in before:
            yield Change("added", f"{noun} {name}", describe(part))
        elif before[name] != part:
            details = tuple(_fields(before[name], part, skip))
            if details:
                yield Change("changed", f"{noun} {name}", details)
    for name, part in before.items():
        if name not in after:
            yield Change("removed", f"{noun} {name}", describe(part))
    kept = [name for name in before if name in after]
    if kept != [name for name in after if name in before] and noun != "model":
        yield Change("changed", f"{noun}s", ("their order",))


def _fields(before: Any, after: Any, skip: Sequence[str] = ()) -> Iterator[str]:
    """Each key that differs, with its old and new value."""
    if not isinstance(before, Part) or not isinstance(after, Part):
        yield _arrow("", before, after)
        return
    for name in type(after).model_fields:
        old, new = getattr(before, name), getattr(after, name)
        if name not in skip and old != new:
            yield _arrow(name, old, new)


def _arrow(name: str, before: Any, after: Any) -> str:
    words = f"{words_of(name, before)} → {words_of(name, after)}"
    return f"{name.rstrip('_')}: {words}" if name else words


_WORDS: dict[type, Callable[[Any], str]] = {
    Condition: condition_words,
    Limit: limit_words,
    Decay: decay_words,
    Valid: valid_words,
    PointsFrom: points_words,
}


def words_of(name: str, value: Any) -> str:
    """A value of the key `name` in words."""
    if value is None or value in ("", [], {}):
        return "none"
    if type(value) in _WORDS:
        return _WORDS[type(value)](value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return duration_words(int(value)) if name in _DURATIONS else number_words(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {words_of('', each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(words_of("", each) for each in value)
    if isinstance(value, Part):
        given = {key: getattr(value, key) for key in sorted(value.model_fields_set)}
        return " ".join(f"{key.rstrip('_')} {words_of(key, each)}" for key, each in given.items())
    return str(value)

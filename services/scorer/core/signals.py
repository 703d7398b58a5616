"""Which events are one signal: the first by position counts, the others confirm it. Pure.

A signal is named by properties.signal_key, or by what the ruleset says is the same. A lead's state
keeps a hash of each, with the instant at which it was first seen; the oldest are forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from services.scorer.core.conditions import Getter, getter
from services.scorer.core.granting import fingerprint
from shared.envelope import Event
from shared.lead_state import ScoreState
from shared.ruleset.signals import Signals

# As many as a limit by values keeps: 4 KB of a lead's state.
MOST_SIGNALS: Final = 200
KEY: Final = "signal_key"
CONFIRMATION: Final = "confirmation"


@dataclass(frozen=True, slots=True)
class Same:
    """How events of a type are compared. within_ms: 0 for good · every: not at all."""

    fields: tuple[Getter, ...] = ()
    within_ms: int = 0
    every: bool = False


_BY_KEY = Same()
# Opening a mail again says nothing new, unless the ruleset wants otherwise.
DEFAULT: Final[Mapping[str, Same]] = {"email_opened": Same((getter("properties.message_id"),))}


def compile_signals(written: Signals) -> dict[str, Same]:
    """By event type, what the document says over what goes without saying."""
    said = {
        name: Same(every=True)
        if isinstance(one, str)
        else Same(tuple(getter(path) for path in one.same), one.within or 0)
        for name, one in written.items()
    }
    return {**DEFAULT, **said}


def is_confirmation(
    signals: Mapping[str, Same], state: ScoreState, event: Event, at_ms: int
) -> bool:
    """Has this signal been seen before? If not, it is noted in the state. Ask of events whose type
    is in `signals`, or that have a key; others are signals of their own.
    """
    same = signals.get(event.type, _BY_KEY)
    if same.every:
        return False
    named = _name(same, state, event)
    if named is None:
        return False
    number = fingerprint([event.type, *named])
    first_ms = state.signals.get(number)
    if first_ms is not None and (not same.within_ms or at_ms - first_ms <= same.within_ms):
        return True
    state.signals.pop(number, None)  # so that it stands last: they are in order of their instants
    state.signals[number] = at_ms
    if len(state.signals) > MOST_SIGNALS:
        del state.signals[next(iter(state.signals))]
    return False


def _name(same: Same, state: ScoreState, event: Event) -> list[Any] | None:
    key = event.properties.get(KEY)
    if isinstance(key, str) and key:
        return [KEY, key]
    values = [field(event, state.traits) for field in same.fields]
    return values if values and all(value is not None for value in values) else None

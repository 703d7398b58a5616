"""What events said of a lead's traits, and which of it stands. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from services.console.explanation import StoredEvent
from services.console.trait_answers import SaidValue, Trait
from shared.bodies import open_body
from shared.envelope import Verdict, rfc3339
from shared.lead_state import Position

# Of each trait; the page still counts what it leaves out.
MOST_VALUES = 50


class _Saying(msgspec.Struct, frozen=True):
    """The part of an event that tells of traits."""

    id: str
    source: str
    type: str
    traits: dict[str, Any] = {}
    verdict: Verdict = Verdict()


@dataclass(slots=True)
class _Run:
    """Events in a row that said the same of a trait, read from the newest to the oldest."""

    value: Any
    newest: _Saying
    at_ms: int
    since_ms: int
    times: int = 1


_sayings = msgspec.json.Decoder(_Saying)


def show_traits(kept: Mapping[str, Any], events: Iterable[StoredEvent]) -> list[Trait]:
    """Every trait that the lead has, or that these events name, in order of name.

    kept: the lead's traits as they stand. What bots say isn't heeded. Raises ZstdError for a broken
    body.
    """
    found: dict[str, list[_Run]] = {name: [] for name in kept}
    for at_ms, saying in _newest_first(events):
        for name, value in saying.traits.items():
            runs = found.setdefault(name, [])
            if runs and _same(runs[-1].value, value):
                runs[-1].since_ms = at_ms
                runs[-1].times += 1
            else:
                runs.append(_Run(value, saying, at_ms, at_ms))
    return [
        Trait(
            name=name,
            value=kept.get(name),
            said=[_show(run) for run in runs[:MOST_VALUES]],
            more=len(runs) > MOST_VALUES,
        )
        for name, runs in sorted(found.items())
    ]


def _newest_first(events: Iterable[StoredEvent]) -> list[tuple[int, _Saying]]:
    """By position: of two events of one millisecond, the scorer heeds the same one last."""
    told: list[tuple[Position, _Saying]] = []
    for stored in events:
        saying = _sayings.decode(open_body(stored.body))
        if saying.traits and saying.verdict.judgement != "bot":
            told.append(((stored.occurred_ms, saying.source, saying.id), saying))
    told.sort(key=lambda one: one[0], reverse=True)
    return [(position[0], saying) for position, saying in told]


def _same(one: Any, other: Any) -> bool:
    """1, 1.0 and true are three values."""
    return type(one) is type(other) and bool(one == other)


def _show(run: _Run) -> SaidValue:
    return SaidValue(
        value=run.value,
        since=rfc3339(run.since_ms),
        at=rfc3339(run.at_ms),
        event_id=run.newest.id,
        source=run.newest.source,
        type=run.newest.type,
        times=run.times,
    )

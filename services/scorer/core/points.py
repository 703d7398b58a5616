"""What a rule gives: fixed points, or points that a field or a table decides."""

from __future__ import annotations

from collections.abc import Callable

from services.scorer.core.conditions import Traits, getter, number
from shared.envelope import Event
from shared.ruleset.model import PointsFrom

# event: None for a rule that reads traits alone.
PointsOf = Callable[[Event | None, Traits], float]


def compile_points(points: PointsFrom) -> PointsOf:
    """The points for an event and traits: the default where nothing usable is found."""
    return _by_table(points) if points.table is not None else _by_field(points)


def _by_field(points: PointsFrom) -> PointsOf:
    assert points.field is not None
    get = getter(points.field)
    times, least, most, default = points.times, points.min, points.max, points.default

    def read(event: Event | None, traits: Traits) -> float:
        found = number(get(event, traits))  # type: ignore[arg-type]  # it reads traits then
        return default if found is None else min(most, max(least, found * times))

    return read


def _by_table(points: PointsFrom) -> PointsOf:
    assert points.table is not None
    assert points.values is not None
    get = getter(points.table)
    values = {text.casefold(): float(value) for text, value in points.values.items()}
    default = points.default

    def read(event: Event | None, traits: Traits) -> float:
        found = get(event, traits)  # type: ignore[arg-type]  # it reads traits then
        return values.get(found.casefold(), default) if isinstance(found, str) else default

    return read

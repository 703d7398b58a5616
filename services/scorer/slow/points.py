"""What a rule gives before anything cuts it."""

from __future__ import annotations

from typing import Any

from services.scorer.slow.conditions import Moment
from services.scorer.slow.fields import number_of, read


def raw_points(points: Any, moment: Moment) -> float:
    """A number, or one made of a field or found in a table."""
    if not isinstance(points, dict):
        return float(points)
    default = float(points.get("default", 0))
    found = read(points.get("field") or points["table"], moment.event, moment.traits)
    if "table" in points:
        known = {text.casefold(): value for text, value in points["values"].items()}
        return float(known.get(found.casefold(), default)) if type(found) is str else default
    number = number_of(found)
    if number is None:
        return default
    value = max(number * points.get("times", 1), points.get("min", -1e6))
    return float(min(value, points.get("max", 1e6)))

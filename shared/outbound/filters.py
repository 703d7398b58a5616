"""Does a message go to a destination? Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from shared.outbound.kinds import Filter


def fits(asked: Filter, message_type: str, data: Mapping[str, Any]) -> bool:
    """message_type: as in a webhook's body, such as handoff.sales · data: of the same body."""
    return fits_type(asked, message_type) and all(
        not wanted or not told.isdisjoint(wanted)
        for wanted, told in (
            (asked.journeys, _journeys(data)),
            (asked.stages, _stages(data)),
            (asked.owners, _texts((data.get("owner"),))),
            (asked.segments, _texts(data.get("segments"))),
            (asked.grades, _texts((data.get("grade"),))),
        )
    )


def fits_type(asked: Filter, message_type: str) -> bool:
    return not asked.types or any(fnmatchcase(message_type, each) for each in asked.types)


def looks_inside(asked: Filter) -> bool:
    """Must the data be read to know?"""
    return bool(asked.journeys or asked.stages or asked.owners or asked.segments or asked.grades)


def _journeys(data: Mapping[str, Any]) -> set[str]:
    stage = data.get("stage")
    inner = stage.get("journey") if isinstance(stage, dict) else None
    return _texts((data.get("journey"), inner))


def _stages(data: Mapping[str, Any]) -> set[str]:
    """Where the lead is by this message."""
    stage = data.get("stage")
    name = stage.get("name") if isinstance(stage, dict) else stage
    return _texts((data.get("to_stage"), name))


def _texts(values: object) -> set[str]:
    found: Iterable[object] = values if isinstance(values, list | tuple) else ()
    return {each for each in found if isinstance(each, str)}

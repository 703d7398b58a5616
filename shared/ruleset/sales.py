"""What sales works by, as people write it: whose a lead becomes, by when, and what they answer."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from shared.ruleset.owners import Hours, Owners
from shared.ruleset.part import Duration, Name, Part, Text, as_list, refuse

DEFAULT_REASONS = {
    "not_ready": "not ready yet",
    "no_budget": "no budget",
    "wrong_person": "not the one who decides",
    "no_interest": "not interested",
    "competitor": "bought elsewhere",
    "unreachable": "can't be reached",
    "bad_data": "wrong or false details",
    "other": "something else",
}
HOUR_MS = 3_600_000
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _day(value: Any) -> Any:
    try:
        if isinstance(value, date):
            return value
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ValueError(value)
        return date.fromisoformat(value)
    except ValueError:
        raise refuse("day", f"{value!r} is no day", "write it as 2026-12-24") from None


Day = Annotated[date, BeforeValidator(_day)]


class Clock(Part):
    """By when sales answers a hand-off, in working time. remind, escalate, reassign: so long after
    it, in working time, too.
    """

    accept_within: Duration
    remind: Duration | None = None
    escalate: Duration | None = None
    reassign: Duration | None = None


class Sales(Part):
    """hours, holidays: what the clock counts; always, without hours · reasons: why a lead is
    rejected or lost, by a short name.
    """

    owners: Owners | None = None
    clock: Clock | None = None
    hours: Hours | None = None
    holidays: Annotated[list[Day], BeforeValidator(as_list), Field(max_length=1000)] = Field([])
    reasons: Annotated[dict[Name, Text], Field(min_length=1, max_length=50)] = Field(
        DEFAULT_REASONS
    )

"""When a step may go out: days, hours, quiet hours and caps, in a lead's time zone. Pure.

Days are the calendar's, hours the wall clock's: what is meant for 9:00 comes at 9:00 on either side
of a change of clocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.ruleset.owners import Hours
from shared.ruleset.sequences import Cap, QuietHours
from shared.working_time import WorkingTime

DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# Hours, quiet hours and caps in turn: with these many, none is found within a year.
_MOST_ROUNDS = 400


def zone_of(name: object, otherwise: str) -> str:
    """A lead's time zone, where it names one."""
    return name if isinstance(name, str) and _is_zone(name) else otherwise


@lru_cache(maxsize=1024)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def days_after(start_ms: int, days: int, zone: str) -> int:
    """The same time of day so many days later, as clocks in the zone show it."""
    local = (_EPOCH + start_ms * _MILLISECOND).astimezone(_zone(zone))
    day = local.date() + timedelta(days=days)
    then = datetime.combine(day, local.time(), _zone(zone)).replace(fold=local.fold)
    return _ms(then)


def first_allowed(
    from_ms: int,
    zone: str,
    hours: Hours,
    quiet: QuietHours | None,
    caps: Sequence[Cap],
    sent_ms: Sequence[int],
) -> int:
    """The first instant from from_ms on at which a step may go out. sent_ms: when steps went to the
    lead, of any sequence. Raises ValueError where there is none within a year or so.
    """
    local = hours.model_copy(update={"time_zone": zone})
    at_ms = from_ms
    for _ in range(_MOST_ROUNDS):
        before_ms = at_ms
        at_ms = _uncapped(at_ms, caps, sent_ms)
        at_ms = WorkingTime(local).after(at_ms, 0)
        if quiet is not None:
            at_ms = _not_quiet(at_ms, zone, quiet)
        if at_ms == before_ms:
            return at_ms
    raise ValueError("hours, quiet hours and caps leave no time")


def _uncapped(at_ms: int, caps: Sequence[Cap], sent_ms: Sequence[int]) -> int:
    """The first instant from at_ms at which no cap is used up: as many as it allows lie within."""
    ordered = sorted(sent_ms)
    for cap in caps:
        if len(ordered) >= cap.times:
            # The times-th newest must have left the window.
            at_ms = max(at_ms, ordered[-cap.times] + cap.within)
    return at_ms


def _not_quiet(at_ms: int, zone: str, quiet: QuietHours) -> int:
    local = (_EPOCH + at_ms * _MILLISECOND).astimezone(_zone(zone))
    clock = f"{local:%H:%M}"
    over_midnight = quiet.from_ > quiet.to
    if over_midnight:
        inside = clock >= quiet.from_ or clock < quiet.to
    else:
        inside = quiet.from_ <= clock < quiet.to
    if not inside:
        return at_ms
    day = local.date()
    if quiet.to == "24:00" or (over_midnight and clock >= quiet.from_):
        day += timedelta(days=1)
    ends = "00:00" if quiet.to == "24:00" else quiet.to
    end_ms = _ms(datetime.combine(day, time.fromisoformat(ends), _zone(zone)))
    # Where clocks go back, the end of that hour may lie behind.
    return end_ms if end_ms > at_ms else at_ms + 60_000


def _ms(at: datetime) -> int:
    return int((at.astimezone(UTC) - _EPOCH) / _MILLISECOND)

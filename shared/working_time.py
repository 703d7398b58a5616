"""Working time: hours of a time zone's days, holidays left out. Pure.

Days are walked by the calendar of the zone, and each day's hours turned into instants: so a day on
which clocks change has the working time that clocks on the wall show.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from shared.ruleset.owners import WEEKDAYS, Hours

# A length of working time that isn't over after so many days is never over: all are holidays.
MOST_DAYS = 4000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """hours None: all time counts."""

    hours: Hours | None = None
    holidays: Collection[date] = field(default_factory=frozenset)

    def after(self, start_ms: int, length_ms: int) -> int:
        """The instant by which so much working time has passed since start_ms. Raises ValueError
        where there never is so much.
        """
        if self.hours is None:
            return start_ms + length_ms
        left = length_ms
        for opens_ms, closes_ms in self._days(start_ms):
            begins_ms = max(opens_ms, start_ms)
            there = max(0, closes_ms - begins_ms)
            if left <= there and begins_ms < closes_ms:
                return begins_ms + left
            left -= there
        raise ValueError("there is not so much working time in ten years")

    def between(self, start_ms: int, end_ms: int) -> int:
        """How much working time lies between two instants, in ms."""
        if self.hours is None:
            return max(0, end_ms - start_ms)
        total = 0
        for opens_ms, closes_ms in self._days(start_ms):
            if opens_ms >= end_ms:
                break
            total += max(0, min(closes_ms, end_ms) - max(opens_ms, start_ms))
        return total

    def _days(self, start_ms: int) -> Iterator[tuple[int, int]]:
        """When each working day from that of start_ms on opens and closes."""
        hours = self.hours
        assert hours is not None
        zone = _zone(hours.time_zone)
        # The day before, too: in some zones midnight itself is skipped.
        day = (_EPOCH + start_ms * _MILLISECOND).astimezone(zone).date() - timedelta(days=1)
        for _ in range(MOST_DAYS):
            if WEEKDAYS[day.weekday()] in hours.days and day not in self.holidays:
                yield _at(day, hours.from_, zone), _at(day, hours.to, zone)
            day += timedelta(days=1)


def _at(day: date, clock: str, zone: ZoneInfo) -> int:
    """The instant at which clocks of a zone show a time. One that is skipped counts as the instant
    of the change; of one that is there twice, the first.
    """
    if clock == "24:00":
        return _at(day + timedelta(days=1), "00:00", zone)
    hour, _, minute = clock.partition(":")
    local = datetime.combine(day, time(int(hour), int(minute)), zone)
    return int((local.astimezone(UTC) - _EPOCH) / _MILLISECOND)


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)

"""Working time against a walk minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.ruleset.owners import WEEKDAYS, Hours
from shared.working_time import WorkingTime

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def hours(**over: object) -> Hours:
    return Hours.model_validate({"from": "09:00", "to": "17:00", **over})


def test_without_hours_all_time_counts() -> None:
    """Nights and Sundays, too."""
    assert WorkingTime().after(1000, 500) == 1500
    assert WorkingTime().between(1000, 1500) == 500


def test_an_evening_hand_off_is_due_the_next_working_day() -> None:
    """Four hours from Friday 16:00 end on Monday at noon, or on Tuesday if Monday is a holiday."""
    friday = ms("2026-06-05T16:00:00+02:00")
    vienna = hours(time_zone="Europe/Vienna")
    assert WorkingTime(vienna).after(friday, 4 * HOUR_MS) == ms("2026-06-08T12:00:00+02:00")
    free = frozenset({date(2026, 6, 8)})
    assert WorkingTime(vienna, free).after(friday, 4 * HOUR_MS) == ms("2026-06-09T12:00:00+02:00")


def test_working_time_that_never_comes_is_refused() -> None:
    """Rather than looked for without end."""
    every_day = {date(2026, 1, 1) + timedelta(days=n) for n in range(5000)}
    with pytest.raises(ValueError, match="ten years"):
        WorkingTime(hours(), every_day).after(ms("2026-06-05T16:00:00+00:00"), HOUR_MS)


SPANS = st.tuples(st.integers(0, 23), st.integers(0, 23)).filter(lambda one: one[0] < one[1])
# Days around the changes of clocks of 2026 in these zones, and an ordinary week.
STARTS = st.sampled_from(["2026-03-06", "2026-03-27", "2026-04-03", "2026-10-02", "2026-10-23"])


@given(
    st.sampled_from(ZONES), SPANS, STARTS, st.integers(0, 4 * 1440), st.integers(1, 1500),
    st.sets(st.sampled_from(WEEKDAYS), min_size=3),
)  # fmt: skip
def test_it_counts_what_clocks_on_the_wall_show(
    zone: str, span: tuple[int, int], start: str, minutes: int, length: int, days: set[str]
) -> None:
    """Each minute whose local time lies within the hours counts."""
    rules = hours(
        **{"from": f"{span[0]:02}:00", "to": f"{span[1]:02}:00"}, time_zone=zone, days=sorted(days)
    )
    start_ms = ms(f"{start}T00:00:00+00:00") + minutes * MINUTE_MS
    there, at_ms = 0, start_ms
    while there < length:
        local = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone))
        inside = WEEKDAYS[local.weekday()] in days and span[0] <= local.hour < span[1]
        there += inside
        at_ms += MINUTE_MS
    working = WorkingTime(rules)
    # A clock time that is there twice counts once by its first instant: see working_time._at.
    found = working.after(start_ms, length * MINUTE_MS)
    assert abs(found - at_ms) <= (0 if _plain(zone, start_ms, at_ms) else HOUR_MS)
    assert working.between(start_ms, found) == length * MINUTE_MS


def _plain(zone: str, start_ms: int, end_ms: int) -> bool:
    """Do the clocks stay as they are?"""
    offsets = {
        datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone)).utcoffset()
        for at in (start_ms - 24 * HOUR_MS, end_ms + 24 * HOUR_MS)
    }
    return len(offsets) == 1

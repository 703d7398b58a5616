"""When a step may go out, against a walk minute by minute."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.sequences.timing import days_after, first_allowed, zone_of
from shared.ruleset.owners import WEEKDAYS, Hours
from shared.ruleset.sequences import Cap, QuietHours

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")
# The days before clocks change in these zones, and an ordinary week.
STARTS = ("2026-03-06", "2026-03-27", "2026-04-03", "2026-06-10", "2026-10-02", "2026-10-23")


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def local(at_ms: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(ZoneInfo(zone))


def test_nine_o_clock_stays_nine_o_clock_when_clocks_change() -> None:
    """Two days are 47 hours in spring, and 49 in autumn."""
    spring = ms("2026-03-28T09:00:00+01:00")
    assert days_after(spring, 2, "Europe/Berlin") == spring + 47 * HOUR_MS
    autumn = ms("2026-10-24T09:00:00+02:00")
    assert days_after(autumn, 2, "Europe/Berlin") == autumn + 49 * HOUR_MS
    assert days_after(spring, 2, "UTC") == spring + 48 * HOUR_MS


def test_a_zone_that_is_none_is_not_taken() -> None:
    """Whatever a trait holds."""
    for name in (None, 5, "", "Mars/Olympus", "../../etc/passwd", "Europe/Berlin\0"):
        assert zone_of(name, "UTC") == "UTC"
    assert zone_of("Asia/Kathmandu", "UTC") == "Asia/Kathmandu"


def test_an_evening_waits_for_the_morning_and_a_cap_for_its_window() -> None:
    """Hours, quiet hours and caps together."""
    hours = Hours.model_validate({"from": "08:00", "to": "20:00"})
    quiet = QuietHours.model_validate({"from": "18:00", "to": "09:30"})
    friday = ms("2026-06-12T18:30:00+00:00")
    monday = ms("2026-06-15T09:30:00+00:00")
    assert first_allowed(friday, "UTC", hours, quiet, [], []) == monday
    cap = Cap.model_validate({"times": 2, "within": "7d"})
    sent = [friday - 3 * DAY_MS, friday - DAY_MS]
    # The older of the two leaves the window a week after it, on the next Tuesday evening.
    assert first_allowed(friday, "UTC", hours, quiet, [cap], sent) == ms(
        "2026-06-17T09:30:00+00:00"
    )


def test_hours_that_leave_no_time_are_told() -> None:
    """Rather than looked for without end."""
    hours = Hours.model_validate({"from": "09:00", "to": "17:00"})
    quiet = QuietHours.model_validate({"from": "08:00", "to": "18:00"})
    with pytest.raises(ValueError, match="no time"):
        first_allowed(0, "UTC", hours, quiet, [], [])


TIMES = st.integers(0, 23).map(lambda hour: f"{hour:02}:00")
QUIET = st.none() | st.tuples(TIMES, TIMES).filter(lambda one: one[0] != one[1])


@given(
    st.sampled_from(ZONES),
    st.sampled_from(STARTS),
    st.integers(0, 4 * 1440),
    st.tuples(st.integers(0, 20), st.integers(2, 24)).filter(lambda one: one[0] + 2 <= one[1]),
    QUIET,
    st.lists(st.integers(-2 * 1440, 1440), max_size=4),
    st.integers(1, 3),
)
def test_the_first_minute_that_may_be_is_found(
    zone: str,
    start: str,
    minutes: int,
    span: tuple[int, int],
    quiet: tuple[str, str] | None,
    sent: list[int],
    times: int,
) -> None:
    """As a walk finds it that asks each minute by itself."""
    hours = Hours.model_validate(
        {"from": f"{span[0]:02}:00", "to": f"{span[1]:02}:00", "days": list(WEEKDAYS[:5])}
    )
    rest = None if quiet is None else QuietHours.model_validate({"from": quiet[0], "to": quiet[1]})
    from_ms = ms(f"{start}T00:00:00+00:00") + minutes * MINUTE_MS
    sent_ms = [from_ms + one * MINUTE_MS for one in sent]
    cap = Cap.model_validate({"times": times, "within": "1d"})

    def allowed(at_ms: int) -> bool:
        clock = local(at_ms, zone)
        text = f"{clock:%H:%M}"
        if clock.weekday() >= 5 or not f"{span[0]:02}:00" <= text < f"{span[1]:02}:00":
            return False
        if rest is not None:
            if rest.from_ > rest.to and (text >= rest.from_ or text < rest.to):
                return False
            if rest.from_ < rest.to and rest.from_ <= text < rest.to:
                return False
        newest = sorted(sent_ms)[-times:]
        return len(newest) < times or at_ms >= newest[0] + DAY_MS

    walked = next(
        (at for at in range(from_ms, from_ms + 9 * DAY_MS, MINUTE_MS) if allowed(at)), None
    )
    try:
        found = first_allowed(from_ms, zone, hours, rest, [cap], sent_ms)
    except ValueError:
        assert walked is None
        return
    if walked is None:
        assert found >= from_ms + 9 * DAY_MS
    elif found != walked:
        # Where clocks go back an hour is there twice: its second half may be left out.
        assert allowed(found)
        offsets = {local(at, zone).utcoffset() for at in (walked - DAY_MS, walked + DAY_MS)}
        assert len(offsets) == 2
        assert 0 < found - walked <= DAY_MS * 3

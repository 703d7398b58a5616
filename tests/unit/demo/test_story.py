"""The demo's story: the same at every run, in the past, and told in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from deploy.demo.journey import JOURNEY
from deploy.demo.memory import BEGAN_AGO, FORGET_AFTER, beginning
from deploy.demo.visitors import VISITORS, visitor_calls

NOW = datetime(2026, 5, 13, 12, 0, 0, 123456, tzinfo=UTC)


def test_the_beginning_is_kept_between_runs(tmp_path: Path) -> None:
    """A later run takes the first one's beginning, so that ids and times are the same."""
    path = tmp_path / "demo.json"
    first = beginning(path, NOW)
    assert first == ((NOW - BEGAN_AGO).replace(microsecond=0), False)
    assert beginning(path, NOW + timedelta(days=3)) == (first[0], True)


def test_a_beginning_that_is_unreadable_or_long_ago_is_replaced(tmp_path: Path) -> None:
    """A broken file or a faded story starts anew instead of failing."""
    path = tmp_path / "demo.json"
    for broken in ("", "{}", "[]", '{"began": 3}', '{"began": "2026-05-01T00:00:00"}'):
        path.write_text(broken)
        assert beginning(path, NOW)[1] is False
    assert beginning(path, NOW + FORGET_AFTER)[1] is False


def test_sarahs_steps_follow_each_other_and_end_before_now() -> None:
    """Names are unique, times rise, and nothing lies in the future at the first run."""
    assert len({step.name for step in JOURNEY}) == len(JOURNEY)
    times = [step.after for step in JOURNEY]
    assert times == sorted(times)
    assert times[-1] < BEGAN_AGO


def test_the_visitors_are_the_same_at_every_run() -> None:
    """Two hundred people, stable and unique ids, all of it in the past."""
    began = NOW - BEGAN_AGO
    calls = list(visitor_calls(began))
    assert calls == list(visitor_calls(began))
    assert len({call["anonymousId"] for call in calls}) == VISITORS
    assert len({call["messageId"] for call in calls}) == len(calls)
    assert all(began <= datetime.fromisoformat(call["timestamp"]) < NOW for call in calls)

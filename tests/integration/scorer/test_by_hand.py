"""Stages that a person sets: at once, locked, and however the event comes."""

from datetime import timedelta
from typing import Any

from shared.envelope import Event, milliseconds, rfc3339
from tests.integration.scorer.bench_of_leads import RULES, START, Workbench, happening, ruleset

DAY_MINUTES = 1440


def by_hand(number: int, stage: str | None, day: float, **more: Any) -> Event:
    return happening(number, "stage_overridden", source="operator", email="p@example.com",
                     after=day * DAY_MINUTES, stage=stage, actor="anna", **more)  # fmt: skip


def download(number: int, day: float) -> Event:
    return happening(number, "content_downloaded", email="p@example.com",
                     after=day * DAY_MINUTES, content_id=f"c{number}")  # fmt: skip


async def moves(bench: Workbench) -> list[tuple[str, str]]:
    return [(fact["cause"], fact["to_stage"]) for fact in await bench.facts()]


async def test_a_stage_set_by_hand_is_published_at_once(bench: Workbench) -> None:
    """With the name of who did it, as one more change of the lead."""
    await bench.take(download(1, 0))
    await bench.take(by_hand(2, "validate", 1))
    assert await moves(bench) == [("event", "educate"), ("manual", "validate")]
    fact = (await bench.facts())[-1]
    assert (fact["actor"], fact["seq"]) == ("anna", 2)
    rows = await bench.connection.fetch("SELECT cause, actor FROM stage_history ORDER BY seq")
    assert [tuple(row) for row in rows] == [("event", ""), ("manual", "anna")]


async def test_a_lock_on_the_stage_a_lead_is_in_ends_by_time(bench: Workbench) -> None:
    """Nothing changes when it is locked, so the end of the lock must be due by itself."""
    await bench.take(download(1, 0))
    until = milliseconds(START + timedelta(days=60))
    await bench.take(by_hand(2, "educate", 1, lock=True, until=rfc3339(until)))
    assert await bench.pass_time(START + timedelta(days=50)) == 0
    assert await bench.pass_time(START + timedelta(days=61)) == 1
    fact = (await bench.facts())[-1]
    assert (fact["cause"], fact["to_stage"], fact["at_ms"]) == ("time", "inform", until)


async def test_a_lock_that_is_released_lets_time_act_again(bench: Workbench) -> None:
    """Locked for good, then released: the fall that lies ahead is due again."""
    await bench.take(download(1, 0))
    await bench.take(by_hand(2, "educate", 1, lock=True))
    assert await bench.connection.fetchval("SELECT due_ms FROM lead") is None
    await bench.take(by_hand(3, None, 2))
    assert await bench.pass_time(START + timedelta(days=61)) == 1


async def test_a_stage_set_by_hand_isnt_lost_to_a_new_ruleset(bench: Workbench) -> None:
    """The lead is scored again whole in the batch that brings the event, which counts all the
    same; a later event of before it doesn't set the stage again.
    """
    await bench.take(download(1, 0))
    bench.rules = ruleset(RULES.replace("points: 10", "points: 11"), version=2)
    await bench.take(by_hand(2, "validate", 1, lock=True))
    assert (await moves(bench))[-1] == ("manual", "validate")
    count = len(await bench.facts())
    await bench.take(by_hand(3, "inform", 0.5))
    assert len(await bench.facts()) == count


async def test_a_late_stage_set_by_hand_counts(bench: Workbench) -> None:
    """It comes after a newer event; nobody set the stage since."""
    await bench.take(download(1, 0), download(2, 3))
    await bench.take(by_hand(3, "inform", 1, lock=True))
    assert (await moves(bench))[-1] == ("manual", "inform")

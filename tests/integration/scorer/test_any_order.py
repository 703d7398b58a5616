"""Random people on random browsers, in any order: the same leads, entries and scores.

LEADSCORE_EXAMPLES multiplies the number of stories (20 by default).
"""

import os
import random
from datetime import timedelta

import pytest

from services.scorer import history, scoring
from services.scorer.identity_cache import IdentityCache
from shared.envelope import Event
from tests.integration.scorer.bench_of_leads import START, Workbench, happening, ruleset

KINDS = ("page_viewed", "page_viewed", "email_clicked", "content_downloaded", "lead_identified")
TABLES = (
    "lead",
    "identifier",
    "event",
    "checkpoint",
    "time_entry",
    "stage_history",
    "outbox",
    "lead_merge",
    "parting",
    "identifier_mention",
)
SEEDS = 20 * int(os.environ.get("LEADSCORE_EXAMPLES", "1"))
GROUPS = 5


def story(dice: random.Random) -> list[Event]:
    """Three people, two browsers that they share, events in the same minutes."""
    events = []
    for number in range(dice.randint(4, 14)):
        person, browser = dice.choice(["ann", "bob", "cy"]), dice.choice(["desk", "phone"])
        share = dice.random()
        kind = dice.choice(KINDS)
        events.append(
            happening(
                number, kind, after=dice.randint(0, 40), content_id=dice.choice("xy"),
                user_id=person if share > 0.35 else None,
                anonymous_id=browser if share < 0.7 else None,
                traits={"title": dice.choice(["chief", "clerk"])}
                if kind == "lead_identified" else None,
            )
        )  # fmt: skip
    return events


@pytest.mark.parametrize("group", range(GROUPS))
async def test_any_story_in_any_order_gives_the_same(bench: Workbench, group: int) -> None:
    """One by one in order, against shuffled, doubled and cut into random batches."""
    await bench.connection.execute("SET synchronous_commit = off")
    for seed in range(group, SEEDS, GROUPS):
        dice = random.Random(seed)
        events = story(dice)
        await _renew(bench)
        await bench.take_each(sorted(events, key=lambda event: (event.occurred_at, event.id)))
        expected = await bench.picture()
        for _ in range(3):
            await _renew(bench)
            waiting = dice.sample(events, len(events)) + dice.sample(events, 2)
            while waiting:
                size = dice.randint(1, 4)
                await bench.take(*waiting[:size])
                waiting = waiting[size:]
            assert await bench.picture() == expected, f"seed {seed}"


TIMED_RULES = """
models:
  engagement:
    decay: {half_life: 30d}
    cap: 40
    floor: -20
    groups:
      mail: {cap: 15}
    rules:
      - {id: page, on: page_viewed, points: 5, limit: {times: 3, per: day}}
      - {id: third, on: page_viewed, points: 7, when:
          {count: {on: page_viewed, within: 20m, at_least: 3}}}
      - {id: click, on: email_clicked, points: 8, group: mail, decay: {window: 1d}}
      - {id: download, on: content_downloaded, points: 20, decay: {linear: {to_zero_in: 2d}}}
      - {id: gone-quiet, after: {quiet: 9m}, points: -6}
      - {id: unseen, after: {quiet: 5m, on: page_viewed}, points: -3,
         limit: {times: 2, per: hour}, decay: {linear: {to_zero_in: 6h}}}
      - {id: keen, points: 9, when: {all: [{field: traits.title, contains: [chief]},
          {count: {on: [page_viewed, email_clicked], within: 12m, at_least: 2}}]}}
      - {id: asleep, points: -4, when: {quiet: {for: 15m}}}
  fit:
    rules:
      - {id: senior, when: {field: traits.title, contains: [chief]}, points: 20}
stages:
  ladder:
    - {name: inform}
    - {name: educate, enter: {engagement: 10}, leave: {engagement: 6}, handoff: content}
    - {name: validate, enter: {engagement: 20, fit: 10}, leave: {engagement: 12}, handoff: sales}
"""
END = START + timedelta(days=3)


@pytest.mark.parametrize("group", range(GROUPS))
async def test_time_passing_between_batches_gives_the_same(
    bench: Workbench, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What time gives and takes, with timers at random times and late events after them: the
    same entries, which add up to the same scores, as of a lead whose events came in order.
    """
    for module in (history, scoring):  # so that these short stories have checkpoints
        monkeypatch.setattr(module, "CHECKPOINT_EVERY", 2 + group)
    await bench.connection.execute("SET synchronous_commit = off")
    bench.rules = ruleset(TIMED_RULES)
    for seed in range(group, SEEDS, GROUPS):
        dice = random.Random(seed)
        events = story(dice)
        await _renew(bench)
        await bench.take_each(sorted(events, key=lambda event: (event.occurred_at, event.id)))
        await bench.pass_time(END)
        expected = await bench.picture()
        for _ in range(3):
            await _renew(bench)
            waiting = dice.sample(events, len(events)) + dice.sample(events, 2)
            while waiting:
                size = dice.randint(1, 4)
                await bench.take(*waiting[:size])
                waiting = waiting[size:]
                if dice.random() < 0.5:
                    await bench.pass_time(bench.watermark + timedelta(minutes=dice.random() * 15))
            await bench.picture()
            await bench.pass_time(END)
            assert await bench.picture() == expected, f"seed {seed}"


async def _renew(bench: Workbench) -> None:
    bench.watermark = START
    bench.identities = [IdentityCache(), IdentityCache(), IdentityCache()]
    for table in TABLES:
        await bench.connection.execute(f"DELETE FROM {table}")

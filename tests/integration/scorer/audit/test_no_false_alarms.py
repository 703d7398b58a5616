"""What the scorer itself stores is equal to the second opinion, whatever came in whatever order."""

from __future__ import annotations

import os
import random
from datetime import timedelta

import pytest

from services.scorer import history, scoring
from services.scorer.identity_cache import IdentityCache
from shared.envelope import Event, Verdict
from tests.integration.scorer.audit.audited import audit, made_live
from tests.integration.scorer.bench_of_leads import START, Workbench, happening

KINDS = (
    "page_viewed", "page_viewed", "email_clicked", "content_downloaded", "lead_identified",
    "purchase_made", "stage_overridden",
)  # fmt: skip
TABLES = ("lead", "identifier", "event", "checkpoint", "time_entry", "stage_history", "outbox")
SEEDS = 24 * int(os.environ.get("LEADSCORE_EXAMPLES", "1"))
GROUPS = 4
RULES = """
personas:
  - {id: chief, title: Chiefs, when: {field: traits.title, contains: [chief]}}
segments:
  - {id: busy, title: Busy, when:
      {count: {on: [page_viewed, email_clicked], within: 12m, at_least: 2}}}
models:
  engagement:
    decay: {half_life: 30d}
    cap: 40
    floor: -20
    cap_per: {day: 35}
    groups:
      mail: {cap: 15, cap_per: {hour: 12}}
    rules:
      - {id: page, on: page_*, points: 5, limit: {times: 3, per: day}}
      - {id: third, on: page_viewed, points: 7, when:
          {count: {on: page_viewed, within: 20m, at_least: 3}}}
      - {id: click, on: email_clicked, points: 8, group: mail, decay: {window: 1d}}
      - {id: download, on: content_downloaded, points: 20, decay: {linear: {to_zero_in: 2d}},
         limit: {once_per: properties.content_id}}
      - {id: then, on: email_clicked, points: 2, when: {sequence: {steps: [{on: page_viewed},
          {on: email_clicked}], within: 30m}}}
      - {id: gone-quiet, after: {quiet: 9m}, points: -6}
      - {id: unseen, after: {quiet: 5m, on: page_viewed}, points: -3,
         limit: {times: 2, per: hour}, decay: {linear: {to_zero_in: 6h}}}
      - {id: keen, points: 9, when: {all: [{persona: chief}, {segment: busy}]}}
      - {id: asleep, points: -4, when: {quiet: {for: 15m}}}
      - {id: amount, on: purchase_made, points: {field: properties.amount, times: 0.5, max: 30}}
  fit:
    rules:
      - {id: senior, when: {field: traits.title, contains: [chief]}, points: 20}
      - {id: size, when: {field: traits.size, exists: true},
         points: {field: traits.size, times: 2}}
  fit-for-us: {combined: {formula: "engagement * 0.6 + min(fit, 50)"}, cap: 60}
stages:
  ladder:
    - {name: inform}
    - {name: educate, enter: {engagement: 10}, leave: {engagement: 6}, handoff: content}
    - {name: validate, enter: {engagement: 20, fit: 10}, leave: {engagement: 12}, handoff: sales}
  side:
    - {name: dormant, when: {quiet: {for: 25m}}}
journeys:
  other:
    when: {segment: busy}
    ladder:
      - {name: first}
      - {name: second, enter: {fit-for-us: 15}, leave: {fit-for-us: 9}}
"""
LATER_RULES = RULES.replace("points: 5,", "points: 6,").replace("quiet: 9m", "quiet: 7m")


def story(dice: random.Random) -> list[Event]:
    """Three people, two browsers that they share, a robot, and somebody who sets stages."""
    events = []
    for number in range(dice.randint(6, 16)):
        person, browser = dice.choice(["ann", "bob", "cy"]), dice.choice(["desk", "phone"])
        share, kind = dice.random(), dice.choice(KINDS)
        said = {"title": dice.choice(["chief", "clerk"]), "size": dice.randint(0, 3) or None}
        properties = {"content_id": dice.choice("xy"), "amount": dice.choice([10, "7.5", "n/a"])}
        if kind == "stage_overridden":
            properties = {"stage": dice.choice(["validate", "dormant", None]), "actor": "anna"}
        event = happening(
            number, kind, after=dice.randint(0, 60),
            source="operator" if kind == "stage_overridden" else "web",
            user_id=person if share > 0.35 else None,
            anonymous_id=browser if share < 0.7 else None,
            traits=said if kind == "lead_identified" else None, **properties,
        )  # fmt: skip
        verdict = Verdict("bot" if dice.random() < 0.1 else "human")
        events.append(Event(**{**_fields(event), "verdict": verdict}))
    return events


def _fields(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in Event.__struct_fields__}


@pytest.mark.parametrize("group", range(GROUPS))
async def test_whatever_the_scorer_stored_is_equal(
    bench: Workbench, database_url: str, group: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Robots, late events, merges, shared browsers, timers, points that hold, stages by hand, and
    a new ruleset in the end: after each batch no lead differs.
    """
    for module in (history, scoring):  # so that these short stories have checkpoints
        monkeypatch.setattr(module, "CHECKPOINT_EVERY", 2 + group)
    await bench.connection.execute("SET synchronous_commit = off")
    first = await made_live(database_url, RULES)
    later = await made_live(database_url, LATER_RULES)
    for seed in range(group, SEEDS, GROUPS):
        dice = random.Random(seed)
        waiting = story(dice)
        await _renew(bench)
        bench.rules = first
        dice.shuffle(waiting)
        while waiting:
            size = dice.randint(1, 4)
            await bench.take(*waiting[:size])
            waiting = waiting[size:]
            if dice.random() < 0.5:
                await bench.pass_time(bench.watermark + timedelta(minutes=dice.random() * 30))
            assert await audit(bench, database_url) == [], f"seed {seed}"
        await bench.pass_time(START + timedelta(days=3))
        assert await audit(bench, database_url) == [], f"seed {seed}"
        await bench.publish(later)
        assert await audit(bench, database_url) == [], f"seed {seed}"


async def _renew(bench: Workbench) -> None:
    bench.watermark = START
    bench.identities = [IdentityCache(), IdentityCache()]
    for table in TABLES:
        await bench.connection.execute(f"DELETE FROM {table}")

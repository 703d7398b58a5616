"""Random people on random browsers, in any order: the same leads, entries and scores.

LEADSCORE_EXAMPLES multiplies the number of stories (20 by default).
"""

import os
import random

import pytest

from services.scorer.identity_cache import IdentityCache
from shared.envelope import Event
from tests.integration.scorer.bench_of_leads import Workbench, happening

KINDS = ("page_viewed", "page_viewed", "email_clicked", "content_downloaded", "lead_identified")
TABLES = ("lead", "identifier", "event", "checkpoint", "stage_history", "outbox")
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


async def _renew(bench: Workbench) -> None:
    bench.identities = [IdentityCache(), IdentityCache(), IdentityCache()]
    for table in TABLES:
        await bench.connection.execute(f"DELETE FROM {table}")

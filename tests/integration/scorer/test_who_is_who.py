"""Random people, names, browsers, aliases and operators' words, in any order: the leads are those
that somebody finds who sees everything at once.

LEADSCORE_EXAMPLES multiplies the number of stories.
"""

import os
import random

import pytest

from services.scorer.identity_cache import IdentityCache
from tests.integration.scorer.bench_of_leads import Workbench
from tests.integration.scorer.test_any_order import GROUPS, _renew
from tests.oracle.people import Tale
from tests.oracle.people_at_random import hash_of, story

SEEDS = 30 * int(os.environ.get("LEADSCORE_EXAMPLES", "1"))


@pytest.mark.parametrize("group", range(GROUPS))
async def test_whoever_comes_first_the_leads_are_the_same(bench: Workbench, group: int) -> None:
    """Shuffled, doubled, cut into random batches, by scorers with caches of their own."""
    await bench.connection.execute("SET synchronous_commit = off")
    for seed in range(group, SEEDS, GROUPS):
        dice = random.Random(seed)
        events = story(dice)
        expected = Tale(events, hash_of).leads()
        pictures = []
        for _ in range(2):
            await _renew(bench)
            bench.identities = [IdentityCache(), IdentityCache()]
            waiting = dice.sample(events, len(events)) + dice.sample(events, 2)
            while waiting:
                size = dice.randint(1, 4)
                await bench.take(*waiting[:size])
                waiting = waiting[size:]
            picture = await bench.picture()
            assert [lead[2] for lead in sorted(picture, key=lambda lead: lead[2]) if lead[2]] == (
                expected
            ), f"seed {seed}"
            pictures.append([lead[2:] for lead in picture if lead[2]])
        assert sorted(pictures[0], key=repr) == sorted(pictures[1], key=repr), f"seed {seed}"

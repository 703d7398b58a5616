"""The clock of hand-offs: reminders, escalation, another owner, what was put off."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import asyncpg

from services.router.handing import kept_of
from services.router.kept_handoffs import keep
from services.router.ruleset_words import Rulesets, words_of
from services.router.sales_clock import SalesClock
from shared.facts import StageChanged
from tests.integration.router.outbox_rows import AT_MS, ask, fact, new_lead
from tests.integration.router.stored_leads import download, store_lead

HOUR_MS = 3_600_000
RULES = """
models: {engagement: {rules: [{id: visit, on: page_viewed, points: 1}]}}
stages: {ladder: [{name: inform}, {name: validate, enter: {engagement: 5}}]}
sales:
  owners: {team: [{id: ann}, {id: bob}, {id: cem}]}
  clock: {accept_within: 4h, remind: 2h, escalate: 6h, reassign: 8h}
"""


COPIES = """
INSERT INTO lead SELECT (copy).* FROM (
    SELECT jsonb_populate_record(l, jsonb_build_object('id', other)) AS copy
    FROM lead AS l, unnest($2::uuid[]) AS other WHERE l.id = $1) AS made
"""


class Router:
    """A clock over a database, that dies and comes back; now is what a test says."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.now_ms = AT_MS

    def clock(self) -> SalesClock:
        return SalesClock(self.pool, Rulesets(self.pool), 4, "", lambda: self.now_ms)

    async def told(self) -> list[dict[str, Any]]:
        rows = await self.pool.fetch("SELECT fact FROM outbox ORDER BY id")
        return [json.loads(row["fact"])["data"] for row in rows]


async def handed(database_url: str, pool: Any, count: int = 1) -> list[str]:
    """So many leads with an open hand-off of ann's, as the relay keeps it."""
    version = await ask(
        database_url, "INSERT INTO ruleset_version (source) VALUES ($1) RETURNING version", RULES
    )
    leads = [new_lead() for _ in range(count)]
    await store_lead(database_url, leads[0], [download(1, AT_MS)])
    await pool.execute(COPIES, leads[0], leads[1:])
    await pool.execute("UPDATE lead SET ruleset_version = $1", version)
    words = words_of(RULES)
    rows = []
    for lead in leads:
        change = fact(lead, 1, handoff="sales", to_stage="validate", ruleset_version=version)
        del change["kind"]
        data = json.dumps({"owner": "ann", "reasons": []}).encode()
        rows.append(kept_of(StageChanged(**{**change, "reasons": []}), data, words, AT_MS))
    async with pool.acquire() as connection:
        await keep(connection, [row for row in rows if row is not None])
    return leads


async def test_each_level_is_told_once_and_a_lead_goes_round_the_team(database_url: str) -> None:
    """Two hours: a reminder; four: overdue; six: others; eight: somebody else's, from the start.
    When everybody has had it, it stays.
    """
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        await handed(database_url, pool)
        router = Router(pool)
        for hour in range(40):
            router.now_ms = AT_MS + hour * HOUR_MS
            await router.clock().act()
        told = await router.told()
    levels = ["reminder", "overdue", "escalation"]
    assert [(one["level"], one["owner"], one["former_owner"]) for one in told] == [
        *[(level, "ann", None) for level in levels],
        ("reassign", "bob", "ann"),
        *[(level, "bob", None) for level in levels],
        ("reassign", "cem", "bob"),
        *[(level, "cem", None) for level in levels],
    ]
    assert told[0]["at"] == "2026-05-03T11:20:00.000Z"


async def test_what_was_put_off_is_open_again_and_what_is_answered_is_left_alone(
    database_url: str,
) -> None:
    """The clock begins anew when a snooze ends."""
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        await handed(database_url, pool)
        router = Router(pool)
        wakes_ms = AT_MS + 3 * HOUR_MS
        await pool.execute(
            "UPDATE handoff SET status = 'snoozed', until_ms = $1, clock_ms = $1", wakes_ms
        )
        router.now_ms = wakes_ms - 1
        assert await router.clock().act() == 0
        router.now_ms = wakes_ms
        assert await router.clock().act() == 1
        row = await pool.fetchrow("SELECT status, due_ms, until_ms FROM handoff")
        assert tuple(row) == ("open", wakes_ms + 4 * HOUR_MS, None)
        await pool.execute("UPDATE handoff SET status = 'accepted'")
        router.now_ms = wakes_ms + 100 * HOUR_MS
        assert await router.clock().act() == 1
        assert await router.clock().act() == 0
        assert [one["level"] for one in await router.told()] == ["woken"]


async def test_a_router_that_dies_at_any_instant_tells_nothing_twice(database_url: str) -> None:
    """The level and what tells it are one transaction; two routers share the work."""
    chance = random.Random(7)

    class DiesError(Exception):
        pass

    async with asyncpg.create_pool(database_url, min_size=2, max_size=4) as pool:
        leads = await handed(database_url, pool, 40)
        router = Router(pool)
        for quarter in range(4 * 10):
            router.now_ms = AT_MS + quarter * HOUR_MS // 4
            clock = router.clock()
            if chance.random() < 0.5:
                tell, left = SalesClock._tell, chance.randint(0, 20)

                async def dies(*given: Any, tell: Any = tell) -> None:
                    nonlocal left
                    left -= 1
                    if left < 0:
                        raise DiesError
                    await tell(*given)

                SalesClock._tell = dies  # type: ignore[assignment, method-assign]
                try:
                    await clock.act()
                except DiesError:
                    pass
                finally:
                    SalesClock._tell = tell  # type: ignore[method-assign]
            while await router.clock().act():
                pass
        told = await router.told()
    counts = Counter((one["lead_id"], one["level"], one["owner"]) for one in told)
    assert set(counts.values()) == {1}
    assert {lead for lead, *_ in counts} == set(leads)
    assert Counter(one["level"] for one in told)["reassign"] == 40

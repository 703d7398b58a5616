"""Companies over a real Postgres: batches note, owners of shards see to it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from math import log2
from time import monotonic
from typing import Any

import asyncpg
import pytest

from services.scorer.account_making import EXACT_MS
from services.scorer.account_work import (
    OWNER_SILENCE,
    find_accounts,
    forget_accounts,
    make_accounts,
    see_to_accounts,
)
from services.scorer.accounts import ACCOUNT_SHARDS, compile_accounts, shard_of_account
from services.scorer.clockwork import TICK_SECONDS, every
from services.scorer.scene import NewerRulesetError, Scene
from services.scorer.timers import recalculate
from shared.envelope import milliseconds
from shared.ruleset.reading import read_ruleset
from tests.integration.scorer.bench_of_leads import START, Workbench, happening, ruleset

RULES = """
models:
  engagement:
    decay: {half_life: 10m}
    rules:
      - {id: page, on: page_viewed, points: 10}
accounts:
  score: {engagement: sum}
  stages:
    - {name: cold}
    - {name: warm, enter: {engagement: 15}, leave: {engagement: 8}}
stages:
  ladder: [{name: inform}]
"""
ACCOUNTS = compile_accounts(read_ruleset(RULES))


class Firms(Workbench):
    """A workbench whose ruleset scores companies."""

    def scene(self) -> Scene:
        return replace(super().scene(), accounts=ACCOUNTS)

    async def transact(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        async with self.connection.transaction():
            return await work(self.connection)

    async def see_to(self) -> int:
        return await see_to_accounts(self.transact, self.scene)

    async def accounts(self) -> dict[str, tuple[int, float, str]]:
        rows = await self.connection.fetch("SELECT key, members, scores, stage FROM account")
        return {
            row["key"]: (row["members"], json.loads(row["scores"])["engagement"], row["stage"])
            for row in rows
        }


@pytest.fixture
def firms(bench: Workbench) -> Firms:
    """Rules with accounts."""
    return Firms(bench.connection, ruleset(RULES))


async def test_two_leads_of_one_company_make_its_score(firms: Firms) -> None:
    """By their domain; those with free mail belong to none. Nothing is left over."""
    await firms.take(
        happening(1, email="a@acme.example"),
        happening(2, email="b@acme.example"),
        happening(3, email="c@gmail.com"),
    )
    assert await firms.see_to() == 1
    assert await firms.accounts() == {"domain:acme.example": (2, 20.0, "warm")}
    for table in ("account_dirty", "account_dirty_lead"):
        assert await firms.connection.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert await firms.see_to() == 0


@pytest.mark.parametrize("late", [False, True])
async def test_the_newest_group_call_by_occurrence_moves_a_lead(firms: Firms, late: bool) -> None:
    """Whatever arrives last. The company it left is made anew, too."""
    await firms.take(happening(1, email="a@acme.example"), happening(2, email="b@acme.example"))
    await firms.see_to()
    calls = [
        happening(number, "lead_grouped", email="a@acme.example", after=number,
                  traits={"group_id": name})
        for number, name in ((5, "old"), (6, "new"))
    ]  # fmt: skip
    for call in reversed(calls) if late else calls:
        await firms.take(call)
        await firms.see_to()
    found = await firms.accounts()
    assert {key: members for key, (members, *_) in found.items()} == {
        "domain:acme.example": 1, "group:new": 1,
    }  # fmt: skip


async def test_a_merged_lead_leaves_its_company(firms: Firms) -> None:
    """Its points are the survivor's, and count once."""
    await firms.take(happening(1, "lead_grouped", anonymous_id="u", traits={"group_id": "g"}))
    await firms.take(happening(2, anonymous_id="u"), happening(3, email="a@acme.example"))
    await firms.see_to()
    assert {key: one[:2] for key, one in (await firms.accounts()).items()} == {
        "group:g": (1, 10.0), "domain:acme.example": (1, 10.0),
    }  # fmt: skip
    await firms.take(happening(4, "lead_identified", anonymous_id="u", email="a@acme.example"))
    await firms.see_to()
    assert {key: one[:2] for key, one in (await firms.accounts()).items()} == {"group:g": (1, 20.0)}


async def test_time_alone_takes_a_stage_at_its_instant(firms: Firms) -> None:
    """A score that fades is looked at again when it is due, and the move is history."""
    await firms.take(happening(1, email="a@acme.example"), happening(2, email="b@acme.example"))
    await firms.see_to()
    assert await firms.see_to() == 0
    while (await firms.accounts())["domain:acme.example"][2] == "warm":
        due_ms = await firms.connection.fetchval("SELECT due_ms FROM account")
        firms.watermark = datetime.fromtimestamp(due_ms / 1000, UTC)
        assert await firms.see_to() == 1
    [warmed, cooled] = await firms.connection.fetch(
        "SELECT * FROM account_stage_history ORDER BY id"
    )
    assert (warmed["from_stage"], warmed["to_stage"]) == ("cold", "warm")
    assert (cooled["from_stage"], cooled["to_stage"]) == ("warm", "cold")
    crossed_ms = milliseconds(START) + 600_000 * log2(20 / 8)
    assert 0 <= cooled["at_ms"] - crossed_ms <= EXACT_MS


async def test_a_shard_has_one_owner_and_the_other_goes_on(firms: Firms, database_url: str) -> None:
    """What one owner holds the other leaves alone, and it isn't lost when the owner fails."""
    await firms.take(happening(1, email="a@acme.example"))
    for shard in range(ACCOUNT_SHARDS):
        await firms.transact(lambda c, s=shard: find_accounts(c, firms.scene(), s))
    shard = shard_of_account("domain:acme.example")
    other = await asyncpg.connect(database_url)
    try:
        transaction = other.transaction()
        await transaction.start()
        assert await make_accounts(other, firms.scene(), shard) == 1
        async with asyncio.timeout(5):
            made = await firms.transact(lambda c: make_accounts(c, firms.scene(), shard))
        assert made == 0
        await transaction.rollback()
    finally:
        await other.close()
    assert await firms.transact(lambda c: make_accounts(c, firms.scene(), shard)) == 1


async def test_an_account_of_2000_members_holds_up_no_batch(
    firms: Firms, database_url: str
) -> None:
    """While it is being made and not committed, batches of its members commit; their notes make it
    right afterwards.
    """
    members = [happening(n, email=f"p{n}@acme.example") for n in range(2000)]
    await firms.take(*members)
    await firms.see_to()
    await firms.take(happening(3000, email="p0@acme.example"))
    await firms.connection.execute("UPDATE account SET rests_until = now()")
    for shard in range(ACCOUNT_SHARDS):
        await firms.transact(lambda c, s=shard: find_accounts(c, firms.scene(), s))
    owner = await asyncpg.connect(database_url)
    try:
        async with owner.transaction():
            made = await make_accounts(
                owner, firms.scene(), shard_of_account("domain:acme.example")
            )
            assert made == 1
            async with asyncio.timeout(10):
                await firms.take(*(
                    happening(4000 + n, email=f"p{n}@acme.example") for n in range(100)
                ))  # fmt: skip
    finally:
        await owner.close()
    until = monotonic() + 5.0  # it rests first
    while (await firms.accounts())["domain:acme.example"] != (2000, 21010.0, "warm"):
        assert monotonic() < until
        await firms.see_to()
        await asyncio.sleep(0.02)


async def test_an_account_follows_its_leads_within_two_seconds(
    firms: Firms, database_url: str
) -> None:
    """With two scorers at work, from the commit of a batch."""
    pool = await asyncpg.create_pool(database_url, min_size=2, max_size=2)
    stopping = asyncio.Event()

    async def transact(work: Callable[[Any], Awaitable[Any]]) -> Any:
        async with pool.acquire() as connection, connection.transaction():
            return await work(connection)

    async def work() -> None:
        await see_to_accounts(transact, firms.scene)

    tasks = [asyncio.create_task(every(TICK_SECONDS, work, stopping)) for _ in range(2)]
    try:
        await firms.take(*(happening(n, email=f"p{n}@f{n % 20}.example") for n in range(200)))
        began = monotonic()
        while len(await firms.accounts()) < 20:
            assert monotonic() - began < 2.0
            await asyncio.sleep(0.02)
    finally:
        stopping.set()
        await asyncio.gather(*tasks)
        await pool.close()
    assert {one[:2] for one in (await firms.accounts()).values()} == {(10, 100.0)}


async def test_an_owner_that_falls_silent_loses_its_shard(firms: Firms) -> None:
    """Postgres ends its transaction; only that transaction has the limit."""
    await firms.take(happening(1, email="a@acme.example"))
    shown = "SHOW idle_in_transaction_session_timeout"

    async def limit(connection: Any) -> Any:
        for shard in range(ACCOUNT_SHARDS):
            await find_accounts(connection, firms.scene(), shard)
        return await connection.fetchval(shown)

    assert await firms.transact(limit) == OWNER_SILENCE
    assert await firms.connection.fetchval(shown) == "0"


async def test_an_account_stands_still_until_all_its_people_are_scored_anew(firms: Firms) -> None:
    """Under a new ruleset; a mixture of old and new scores moves nobody."""
    await firms.take(happening(1, email="a@acme.example"), happening(2, email="b@acme.example"))
    await firms.see_to()
    firms.rules = ruleset(RULES.replace("points: 10", "points: 2"), version=2)
    async with firms.connection.transaction():
        assert await recalculate(firms.connection, firms.scene(), leads_at_once=1) == 1
    await firms.see_to()
    assert await firms.accounts() == {"domain:acme.example": (2, 20.0, "warm")}
    await firms.publish(firms.rules)
    await firms.see_to()
    assert await firms.accounts() == {"domain:acme.example": (2, 4.0, "cold")}


async def test_a_scorer_behind_leaves_accounts_to_the_newer_ruleset(firms: Firms) -> None:
    """It has to load that first, and what it took is not lost."""
    await firms.take(happening(1, email="a@acme.example"))
    await firms.connection.execute("UPDATE lead SET ruleset_version = 2")
    with pytest.raises(NewerRulesetError):
        await firms.see_to()
    firms.rules = ruleset(RULES, version=2)
    assert await firms.see_to() == 1


async def test_a_ruleset_without_accounts_forgets_them(firms: Firms) -> None:
    """All but the history of their stages."""
    await firms.take(happening(1, email="a@acme.example"), happening(2, email="b@acme.example"))
    await firms.see_to()
    await firms.take(happening(3, email="a@acme.example"))
    await firms.transact(forget_accounts)
    for table in ("account", "account_member", "account_dirty", "account_dirty_lead"):
        assert await firms.connection.fetchval(f"SELECT count(*) FROM {table}") == 0
    assert await firms.connection.fetchval("SELECT count(*) FROM account_stage_history") == 1


async def test_without_accounts_batches_note_nothing(bench: Workbench) -> None:
    """No statement more."""
    await bench.take(happening(1, email="a@acme.example"))
    assert not any("account" in one for one in bench.statements)

"""Companies over a real Postgres: who makes them, when, and what doesn't wait."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import asyncpg
import pytest

from services.scorer import account_work
from services.scorer.account_work import OWNER_SILENCE, find_accounts, make_accounts
from services.scorer.accounts import ACCOUNT_SHARDS, shard_of_account
from services.scorer.scene import NewerRulesetError
from services.scorer.timers import recalculate
from tests.integration.scorer.bench_of_leads import START, happening, ruleset
from tests.integration.scorer.firms import RULES, Firms


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


async def test_a_busy_account_rests_between_two_makings(
    firms: Firms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The more members, the longer; what came meanwhile is in the next making, and made once."""
    monkeypatch.setattr(account_work, "REST_A_MEMBER", timedelta(minutes=1))
    rested = "UPDATE account SET rests_until = now()"
    await firms.take(happening(1, email="a@acme.example"))
    await firms.see_to()
    await firms.take(happening(2, email="a@acme.example"))
    await firms.see_to()
    assert (await firms.accounts())["domain:acme.example"][1] == 10.0
    assert await firms.see_to() == 0
    await firms.connection.execute(rested)
    assert await firms.see_to() == 1
    assert (await firms.accounts())["domain:acme.example"][1] == 20.0
    await firms.connection.execute(rested)
    assert await firms.see_to() == 0


async def test_nothing_is_made_before_the_watermark_is_known(firms: Firms) -> None:
    """Points would not have faded, and the stage would be one of long ago."""
    await firms.take(happening(1, email="a@acme.example"))
    firms.watermark = datetime.fromtimestamp(0, UTC)
    assert await firms.see_to() == 0
    firms.watermark = START
    assert await firms.see_to() == 1

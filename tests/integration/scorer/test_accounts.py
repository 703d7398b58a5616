"""Companies over a real Postgres: batches note, owners of shards see to it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from math import log2
from time import monotonic
from typing import Any

import asyncpg
import pytest

from services.scorer.account_making import EXACT_MS
from services.scorer.account_work import (
    forget_accounts,
    see_to_accounts,
)
from services.scorer.clockwork import TICK_SECONDS, every
from shared.envelope import milliseconds
from tests.integration.scorer.bench_of_leads import START, Workbench, happening
from tests.integration.scorer.firms import Firms


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


async def test_who_leaves_the_group_belongs_to_none(firms: Firms) -> None:
    """A trait that is taken away, as any; the account goes with its last member."""
    who = {"user_id": "u"}
    await firms.take(happening(1, "lead_grouped", **who, traits={"group_id": "g"}))
    await firms.see_to()
    assert list(await firms.accounts()) == ["group:g"]
    await firms.take(happening(2, "lead_identified", after=1, **who, traits={"group_id": None}))
    await firms.see_to()
    assert await firms.accounts() == {}
    assert await firms.connection.fetchval("SELECT count(*) FROM account_member") == 0


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

"""A workbench whose ruleset scores companies."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from services.scorer.account_work import see_to_accounts
from services.scorer.accounts import compile_accounts
from services.scorer.scene import Scene
from shared.ruleset.reading import read_ruleset
from tests.integration.scorer.bench_of_leads import Workbench

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

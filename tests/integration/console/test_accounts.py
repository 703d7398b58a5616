"""Companies by the read API."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from services.console.cursors import write_cursor
from shared.identity import EMAIL
from shared.lead_state import ModelState, Sum
from shared.tables import account, account_member, account_stage_history
from tests.integration.console.conftest import NOW_MS, Rows

KEY = "group:a/c me"


async def test_an_account_is_shown_with_its_people_and_its_moves(rows: Rows, api: Any) -> None:
    """In pages; a lead names its account."""
    points = {"engagement": ModelState(sums={0: Sum(0, 10.0)})}
    ids = [
        await rows.lead(models=points, identifiers=((EMAIL, f"p{n}@acme.example"),))
        for n in range(3)
    ]
    async with rows.engine.begin() as connection:
        await connection.execute(
            sa.insert(account_member), [{"lead_id": one, "account": KEY} for one in ids]
        )
        await connection.execute(
            sa.insert(account).values(
                key=KEY, shard=0, members=3, scores={"engagement": 30.0}, at_ms=NOW_MS,
                stage="warm", stage_since_ms=NOW_MS, ruleset_version=rows.version,
                rests_until=sa.func.now(),
            )
        )  # fmt: skip
        await connection.execute(
            sa.insert(account_stage_history).values(
                account=KEY, at_ms=NOW_MS, from_stage="", to_stage="warm",
                scores={"engagement": 30.0}, ruleset_version=rows.version,
            )
        )  # fmt: skip
    page = (await api.get("/v1/accounts", params={"stage": "warm"})).json()
    assert [one["key"] for one in page["items"]] == [KEY]
    assert (await api.get("/v1/accounts", params={"stage": "cold"})).json()["items"] == []
    one = (await api.get(f"/v1/accounts/{KEY}", params={"limit": 2})).json()
    assert (one["members"], one["scores"], one["stage"]) == (3, {"engagement": 30.0}, "warm")
    assert [move["to_stage"] for move in one["moves"]] == ["warm"]
    assert [found["lead_id"] for found in one["leads"]["items"]] == [str(ids[2]), str(ids[1])]
    assert one["leads"]["items"][0]["scores"]["engagement"] == 10.0
    cursor = {"limit": 2, "cursor": one["leads"]["next_cursor"]}
    rest = (await api.get(f"/v1/accounts/{KEY}", params=cursor)).json()["leads"]
    assert [found["lead_id"] for found in rest["items"]] == [str(ids[0])]
    assert rest["next_cursor"] is None
    assert (await api.get(f"/v1/leads/{ids[0]}")).json()["account"] == KEY
    cursor = {"cursor": write_cursor("a\0")}
    assert (await api.get("/v1/accounts", params=cursor)).status_code == 400
    missing = await api.get("/v1/accounts/group:none")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "account_not_found")

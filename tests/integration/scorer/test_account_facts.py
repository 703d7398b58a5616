"""What the router is told of companies that reach a stage."""

from __future__ import annotations

import json
from typing import Any

from tests.integration.scorer.bench_of_leads import Workbench, happening, ruleset
from tests.integration.scorer.firms import RULES, Firms

ROWS = """
handoffs:
  - {id: firm-is-warm, account: warm, do: {handoff: sales}}
  - {id: big-firm, account: warm, when: {field: traits.role, eq: chief}, do: {tag: big}}
"""


async def facts(firms: Firms) -> list[dict[str, Any]]:
    rows = await firms.connection.fetch(
        "SELECT fact FROM outbox WHERE fact ->> 'kind' = 'account_changed' ORDER BY id"
    )
    return [json.loads(row["fact"]) for row in rows]


async def test_a_company_that_reaches_a_stage_is_told_by_its_best_known_person(
    bench: Workbench,
) -> None:
    """Once, with the company's scores; further points within the stage tell nothing."""
    firms = Firms(bench.connection, ruleset(RULES + ROWS))
    await firms.take(
        happening(1, email="a@acme.example"), happening(2, email="b@acme.example"),
        happening(3, email="b@acme.example"),
    )  # fmt: skip
    await firms.see_to()
    (fact,) = await facts(firms)
    best = await firms.connection.fetchval(
        "SELECT lead_id FROM identifier WHERE value = 'b@acme.example'"
    )
    assert (fact["lead_id"], fact["seq"], fact["episode"]) == (str(best), 0, 1)
    assert (fact["journey"], fact["from_stage"], fact["to_stage"]) == (
        "account:domain:acme.example", "cold", "warm",
    )  # fmt: skip
    assert (fact["rows"], fact["handoff"], fact["scores"]) == (
        ["firm-is-warm"], "sales", {"engagement": 30.0},
    )  # fmt: skip
    await firms.take(happening(4, email="a@acme.example"))
    await firms.connection.execute("UPDATE account SET rests_until = now()")
    await firms.see_to()
    assert len(await facts(firms)) == 1


async def test_a_row_may_ask_something_of_the_person(bench: Workbench) -> None:
    """Rows whose condition doesn't hold of whom it is told are left out."""
    firms = Firms(bench.connection, ruleset(RULES + ROWS))
    chief = {"traits": {"role": "chief"}}
    await firms.take(*[happening(n, email="a@acme.example", **chief) for n in (1, 2)])
    await firms.see_to()
    assert [fact["rows"] for fact in await facts(firms)] == [["firm-is-warm", "big-firm"]]


async def test_nobody_is_handed_over_of_a_company_without_a_name(bench: Workbench) -> None:
    """Visitors of a group whom nobody knows can't be called: it is told, without a hand-off."""
    firms = Firms(bench.connection, ruleset(RULES + ROWS))
    await firms.take(
        happening(1, "lead_grouped", anonymous_id="u", traits={"group_id": "g"}),
        happening(2, anonymous_id="u"), happening(3, anonymous_id="u"),
    )  # fmt: skip
    await firms.see_to()
    (fact,) = await facts(firms)
    assert (fact["known"], fact["handoff"]) == (False, None)

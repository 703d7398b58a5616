"""What the router is told of companies that reach a stage."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.envelope import Event
from tests.integration.scorer.bench_of_leads import START, Workbench, happening, ruleset
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


async def test_a_company_without_a_name_waits_for_one(bench: Workbench) -> None:
    """Visitors of a group whom nobody knows can't be called: it is told, and when one of them says
    who they are, sales gets that one. Once.
    """
    firms = Firms(bench.connection, ruleset(RULES + ROWS))
    await firms.take(
        happening(1, "lead_grouped", anonymous_id="u", traits={"group_id": "g"}),
        happening(2, anonymous_id="u"), happening(3, anonymous_id="u"),
    )  # fmt: skip
    await firms.see_to()
    (fact,) = await facts(firms)
    assert (fact["known"], fact["handoff"]) == (False, None)
    assert await released(firms) == []
    await rested(firms, happening(4, anonymous_id="u"))
    assert await released(firms) == []
    await rested(firms, happening(5, "lead_identified", anonymous_id="u", email="u@home.example"))
    (release,) = await released(firms)
    assert (release["lead_id"], release["handoff"]) == (fact["lead_id"], "sales")
    assert (release["journey"], release["to_stage"], release["episode"]) == (
        "account:group:g", "warm", 1,
    )  # fmt: skip
    await rested(firms, happening(6, anonymous_id="u"))
    assert len(await released(firms)) == 1
    assert len(await facts(firms)) == 1


async def test_a_company_that_left_the_stage_waits_no_more(bench: Workbench) -> None:
    """Who is known then isn't handed over for what the company was."""
    firms = Firms(bench.connection, ruleset(RULES + ROWS))
    await firms.take(
        happening(1, "lead_grouped", anonymous_id="u", traits={"group_id": "g"}),
        happening(2, anonymous_id="u"), happening(3, anonymous_id="u"),
    )  # fmt: skip
    await firms.see_to()
    later = 60
    await rested(firms, happening(4, "other", anonymous_id="v", after=later))
    await rested(firms, happening(5, "lead_grouped", anonymous_id="u", traits={"group_id": "g"},
                                  email="u@home.example", after=later))  # fmt: skip
    assert (await firms.accounts())["group:g"][2] == "cold"
    assert await released(firms) == []


@pytest.mark.parametrize("hand_off", [False, True])
async def test_a_company_that_new_rules_move_is_not_handed_over_by_them(
    bench: Workbench, hand_off: bool
) -> None:
    """Unless they were published so. What somebody does after is handed over again."""
    firms = Firms(bench.connection, ruleset(RULES))
    await firms.take(happening(1, email="a@acme.example"), happening(2, email="a@acme.example"))
    await firms.see_to()
    assert await facts(firms) == []
    lower = Firms(bench.connection, replace(ruleset(RULES + ROWS), version=2), hand_off=hand_off)
    await lower.connection.execute("UPDATE account SET stage = 'cold'")  # as if rules had changed
    await lower.connection.execute("UPDATE lead SET ruleset_version = 2")
    await lower.connection.execute("UPDATE account SET due_ms = 0")
    await lower.see_to()
    (fact,) = await facts(lower)
    assert (fact["cause"], fact["handoff"]) == ("recalculation", "sales")
    assert fact["withheld"] is not hand_off
    await lower.connection.execute("UPDATE account SET stage = 'cold', due_ms = 0")
    await lower.see_to()
    assert [fact["cause"] for fact in await facts(lower)] == ["recalculation", "event"]


async def test_companies_that_rules_on_them_find_are_not_handed_over(bench: Workbench) -> None:
    """The first version with accounts finds them all at once: those who did nothing since."""
    firms = Firms(bench.connection, ruleset(RULES + ROWS))
    await firms.connection.execute(
        "INSERT INTO ruleset_version (version, source, published_at) OVERRIDING SYSTEM VALUE"
        " VALUES ($1, '', $2)", firms.scene().ruleset.version, START + timedelta(minutes=60),
    )  # fmt: skip
    await firms.take(
        *[happening(n, email="a@acme.example", after=n) for n in (1, 2)],
        *[happening(n, email="b@other.example", after=60 + n) for n in (3, 4)],
    )
    await firms.see_to()
    found = {fact["journey"]: (fact["cause"], fact["withheld"]) for fact in await facts(firms)}
    assert found == {
        "account:domain:acme.example": ("recalculation", True),
        "account:domain:other.example": ("event", False),
    }


async def released(firms: Firms) -> list[dict[str, Any]]:
    rows = await firms.connection.fetch(
        "SELECT fact FROM outbox WHERE fact ->> 'kind' = 'handoff_released'"
    )
    return [json.loads(row["fact"]) for row in rows]


async def rested(firms: Firms, *events: Event) -> None:
    await firms.take(*events)
    await firms.connection.execute("UPDATE account SET rests_until = now()")
    await firms.see_to()

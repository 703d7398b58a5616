"""Reports over hand-offs and steps as they are stored."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import sqlalchemy as sa

from shared.lead_state import Consent
from shared.tables import handoff, sequence_step
from tests.integration.console.conftest import DAY_MS, NOW_MS, Rows, happening


async def answered(rows: Rows, status: str, rules: list[str], **over: Any) -> None:
    async with rows.engine.begin() as connection:
        await connection.execute(
            sa.insert(handoff).values(
                {
                    "id": uuid4(), "lead_id": uuid4(), "kind": "sales", "journey": "main",
                    "stage": "validate", "episode": 1, "seq": 1, "ruleset_version": 1,
                    "handed_ms": NOW_MS - DAY_MS, "status": status, "status_ms": NOW_MS,
                    "bands": {"e": "hot"}, "source": "search", "rules": rules, **over,
                }
            )
        )  # fmt: skip


async def test_rules_are_judged_by_what_sales_answered(api: httpx.AsyncClient, rows: Rows) -> None:
    """Accepted of answered, against all others; open and unsent ones, and old ones, don't count."""
    for number in range(40):
        good = "e/demo" if number % 2 else "e/visit"
        accepted = number % 4 != 0 if number % 2 else number % 8 == 0
        await answered(rows, "accepted" if accepted else "rejected", [good])
    await answered(rows, "won", ["e/demo"], amount=1000, currency="EUR")
    await answered(rows, "open", ["e/demo"])
    await answered(rows, "withheld", ["e/demo"])
    await answered(rows, "rejected", ["e/demo"], handed_ms=NOW_MS - 100 * DAY_MS)
    report = (await api.get("/v1/reports/rules")).json()
    demo, visit = (next(row for row in report["rows"] if row["name"] == name)
                   for name in ("e/demo", "e/visit"))  # fmt: skip
    assert (demo["handoffs"], demo["accepted"], demo["won"], demo["value"]) == (
        22, 21, 1, {"EUR": 1000.0},
    )  # fmt: skip
    assert (visit["handoffs"], visit["accepted"], visit["value"]) == (20, 5, {})
    assert demo["precision"] == {
        "part": 21, "whole": 21, "value": 1.0, "low": 0.8454, "high": 1.0, "few": True,
    }  # fmt: skip
    assert demo["lift"]["value"] == 1.5769  # 21 of 21, where all have 26 of 41
    assert demo["lift"]["low"] > 1
    assert (demo["few"], report["total"]["few"]) == (True, False)
    total = report["total"]
    assert (total["precision"]["few"], total["won_share"]["few"]) == (False, True)
    bands = (await api.get("/v1/reports/bands")).json()["rows"]
    assert [(row["name"], row["handoffs"]) for row in bands] == [("e: hot", 42)]
    sources = (await api.get("/v1/reports/sources", params={"days": 365})).json()["rows"]
    assert [(row["name"], row["handoffs"]) for row in sources] == [("search", 43)]


async def test_what_was_won_is_added_up_by_currency(api: httpx.AsyncClient, rows: Rows) -> None:
    for amount, currency in ((20.5, "USD"), (300, "EUR"), (1000, "EUR"), (None, "")):
        await answered(rows, "won", ["e/demo"], amount=amount, currency=currency)
    await answered(rows, "lost", ["e/demo"])
    report = (await api.get("/v1/reports/rules")).json()
    assert report["total"]["value"] == {"EUR": 1300.0, "USD": 20.5}
    assert (report["rows"][0]["won"], report["rows"][0]["won_share"]["whole"]) == (4, 5)


async def test_unsubscribes_and_complaints_are_told_apart_by_step(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """The event of the instant at which somebody forbade mails says which it was."""
    said_ms = NOW_MS - DAY_MS
    for type_ in ("email_unsubscribed", "email_complained", "page_viewed"):
        lead = await rows.lead(
            identifiers=((2, f"{type_}@example.com"),),
            consent={"marketing_email": Consent(False, said_ms, "web")},
        )
        await rows.events(lead, (happening(f"said {type_}", said_ms, type_), []))
        async with rows.engine.begin() as connection:
            await connection.execute(
                sa.insert(sequence_step).values(
                    enrolment_id=uuid4(), step=0, lead_id=lead, sequence="planning",
                    step_id="thanks", at_ms=said_ms - DAY_MS, sent=True,
                )
            )  # fmt: skip
    (row,) = (await api.get("/v1/reports/sequences")).json()["rows"]
    assert (row["sequence"], row["step"], row["sent"]) == ("planning", "thanks", 3)
    assert (row["unsubscribed"]["part"], row["complained"]["part"]) == (1, 1)

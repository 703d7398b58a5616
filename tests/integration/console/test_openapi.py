"""Requests made from the read API's OpenAPI document: what it promises about answers holds."""

from __future__ import annotations

import asyncio

from shared.identity import EMAIL
from shared.settings import Settings
from tests.contract_run import told_of_contract
from tests.integration.console.conftest import NOW_MS, Rows, happening
from tests.processes import service

# At the same time.
PARTS = ("^/v1/leads", "^/v1/(?!leads)")


async def test_answers_are_those_of_the_document(settings: Settings, rows: Rows) -> None:
    """Good, odd and bad requests for every operation, on a lead that exists."""
    lead = await rows.lead(identifiers=((EMAIL, "ann@example.com"),))
    other = await rows.lead()
    await rows.events(lead, (happening("m1", NOW_MS), []))
    token = {"authorization": f"Bearer {settings.api_token.get_secret_value()}"}
    known = {"lead_id": str(lead), "lead_a": str(lead), "lead_b": str(other)}
    with service("console", settings) as console:
        await asyncio.to_thread(console.wait_ready)
        asked = f"http://127.0.0.1:{console.port}/openapi.json"
        told = await asyncio.gather(
            *(told_of_contract(asked, token, part, known) for part in PARTS)
        )
    for code, said in told:
        assert code == 0, said

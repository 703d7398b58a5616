"""Requests made from the read API's OpenAPI document: what it promises about answers holds."""

from __future__ import annotations

import asyncio

import asyncpg

from shared.identity import EMAIL
from shared.outbound import destinations
from shared.settings import Settings
from tests.contract_run import told_of_contract
from tests.integration.console.conftest import NOW_MS, Rows, happening
from tests.processes import service

# At the same time.
PARTS = ("^/v1/leads", "^/v1/de(stinations|liveries)", "^/v1/(?!leads|destinations|deliveries)")


async def test_answers_are_those_of_the_document(settings: Settings, rows: Rows) -> None:
    """Good, odd and bad requests for every operation, on a lead that exists."""
    lead = await rows.lead(identifiers=((EMAIL, "ann@example.com"),))
    other = await rows.lead()
    await rows.events(lead, (happening("m1", NOW_MS), []))
    database_url = settings.database_url.get_secret_value()
    async with asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        await destinations.add(pool, "crm", "http://127.0.0.1:9/hook", allow_private=True)
    token = {"authorization": f"Bearer {settings.api_token.get_secret_value()}"}
    known = {"lead_id": str(lead), "lead_a": str(lead), "lead_b": str(other), "destination": "crm"}
    with service("console", settings) as console:
        await asyncio.to_thread(console.wait_ready)
        asked = f"http://127.0.0.1:{console.port}/openapi.json"
        told = await asyncio.gather(
            *(told_of_contract(asked, token, part, known) for part in PARTS)
        )
    for code, said in told:
        assert code == 0, said

"""GET /v1/leads/{id}/next over a real Postgres, and `leadscore lead next`."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from services.console.lead_commands import app
from shared.identity import EMAIL
from shared.lead_state import ModelState
from shared.settings import Settings
from tests.integration.console.conftest import DAY_MS, NOW_MS, Rows, decaying

SARAH = ((EMAIL, "sarah@example.com"),)


def cold(points: float = 4.0) -> dict[str, ModelState]:
    return {"engagement": decaying(points, 30, NOW_MS)}


async def test_what_would_help_is_told_with_an_event_that_would_do(
    api: httpx.AsyncClient, rows: Rows
) -> None:
    """Whole answer of a lead two steps below the top, which falls if nothing happens."""
    lead_id = await rows.lead(identifiers=SARAH, models=cold())
    answer = await api.get(f"/v1/leads/{lead_id}/next")
    assert answer.status_code == 200
    nothing: dict[str, Any] = {
        "source": None,
        "properties": {},
        "traits": {},
        "context": {},
        "consent": {},
    }
    step = {"effort": 3, "clipped": "", "to_stage": "educate", "at_once": True}
    assert answer.json() == {
        "lead_id": str(lead_id),
        "at": "2026-05-28T20:26:40.000Z",
        "ruleset_version": rows.version,
        "merged_into": None,
        "journey": "main",
        "stage": "inform",
        "set_by_hand": False,
        "locked": False,
        "locked_until": None,
        "steps": [
            {
                "rule": "engagement/pricing-page",
                "say": "saw prices",
                "event": {"type": "page_viewed", **nothing},
                "points": 10.0,
                "at": "2026-05-28T20:26:40.000Z",
                **step,
            },
            {
                "rule": "engagement/download",
                "say": "content downloaded",
                "event": {"type": "content_downloaded", **nothing},
                "points": 20.0,
                "at": "2026-05-28T20:26:40.000Z",
                **step,
            },
        ],
        "others": [
            {
                "rule": "fit/senior",
                "effort": 3,
                "why": "not_enough",
                "because": "not enough for the next stage",
                "event": {"type": "lead_identified", **nothing, "traits": {"title": "chief"}},
                "points": 15.0,
                "to_stage": None,
            }
        ],
        "if_nothing_happens": None,
    }


async def test_the_fall_is_told_to_the_millisecond(api: httpx.AsyncClient, rows: Rows) -> None:
    """20 points that halve in 30 days are below 5 after 60."""
    lead_id = await rows.lead(stage="educate", identifiers=SARAH, models=cold(20.0))
    told = (await api.get(f"/v1/leads/{lead_id}/next")).json()
    assert told["steps"] == []
    move = told["if_nothing_happens"]
    assert (move["from_stage"], move["to_stage"]) == ("educate", "inform")
    assert move["at"] == "2026-07-27T20:26:40.001Z"


async def test_a_locked_stage_is_told(api: httpx.AsyncClient, rows: Rows) -> None:
    """Nothing moves before the lock ends, and then the event counts."""
    until_ms = NOW_MS + DAY_MS
    lead_id = await rows.lead(identifiers=SARAH, models=cold(), locked_ms=until_ms)
    told = (await api.get(f"/v1/leads/{lead_id}/next")).json()
    assert (told["locked"], told["locked_until"]) == (True, "2026-05-29T20:26:40.000Z")
    assert {(step["at"], step["at_once"]) for step in told["steps"]} == {
        ("2026-05-29T20:26:40.000Z", False)
    }
    for_good = await rows.lead(models=cold(), locked_ms=0)
    told = (await api.get(f"/v1/leads/{for_good}/next")).json()
    assert (told["locked"], told["locked_until"], told["steps"]) == (True, None, [])
    assert {other["why"] for other in told["others"]} == {"locked"}


async def test_an_absorbed_lead_has_no_next_steps(api: httpx.AsyncClient, rows: Rows) -> None:
    """It names the one that lives on."""
    survivor = await rows.lead(identifiers=SARAH)
    absorbed = await rows.lead(merged_into=survivor)
    answer = await api.get(f"/v1/leads/{absorbed}/next")
    assert answer.headers["location"] == f"/v1/leads/{survivor}/next"
    assert (answer.json()["steps"], answer.json()["others"]) == ([], [])


async def test_unknown_leads_and_journeys_are_refused(api: httpx.AsyncClient, rows: Rows) -> None:
    """404 and 400, in the shape of all errors."""
    lead_id = await rows.lead()
    missing = await api.get("/v1/leads/01998a52-7f0e-7b5c-a3a1-0e6f6f0f9d11/next")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "lead_not_found")
    refused = await api.get(f"/v1/leads/{lead_id}/next?journey=upsell")
    assert (refused.status_code, refused.json()["error"]["path"]) == (400, "query.journey")
    assert "main" in refused.json()["error"]["message"]


async def test_the_command_tells_the_same(
    rows: Rows, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By address or id; what is no lead ends it with exit code 1."""
    settings = Settings(
        kafka_bootstrap_servers="none:1", database_url=database_url, hash_key="k" * 32
    )
    monkeypatch.setattr("deploy.local.state.load_settings", lambda: settings)
    lead_id = await rows.lead(identifiers=SARAH, models=cold())

    async def said(*words: str) -> tuple[int, str]:
        result = await asyncio.to_thread(CliRunner().invoke, app, ["next", *words])
        return result.exit_code, result.output

    code, by_address = await said("Sarah@Example.com")
    assert code == 0
    lines = by_address.splitlines()
    assert lines[0].startswith("main: stage inform, as of ")
    assert lines[1] == "effort 3  engagement/pricing-page (+10) → educate at once"
    assert lines[2].strip() == "saw prices: page_viewed"
    assert lines[-1] == "if nothing happens: it stays"
    code, by_id = await said(str(lead_id), "--all")
    assert (code, "fit/senior: not enough for the next stage" in by_id) == (0, True)
    for words in (["nobody@example.com"], ["sarah"], [str(lead_id), "--journey", "none"]):
        assert (await said(*words))[0] == 1

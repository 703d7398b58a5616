"""A whole packet, made of what is stored in a real Postgres."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import msgspec
import pytest

from services.router import build
from services.router.build import Builder
from services.router.history import History
from services.router.outbox import Row
from services.router.percentiles import Percentiles
from services.router.rendering import render
from services.router.ruleset_words import Rulesets
from shared.envelope import instant
from shared.lead_state import JourneyState, ModelState, ScoreState, Sum, encode_journeys
from shared.lead_state import encode_scores as encoded
from tests.integration.router.outbox_rows import AT_MS, ask, fact, new_lead, put
from tests.integration.router.stored_leads import (
    download,
    store_account,
    store_change,
    store_lead,
    store_scored,
)

RULES = """
models:
  engagement:
    rules:
      - {id: any, on: content_downloaded, points: 5, effort: 2, say: "got “{properties.title}”"}
      - {id: demo, on: demo_requested, points: 40, effort: 4, say: asked for a demo}
bands:
  engagement: [{name: cold}, {name: warm, from: 10}]
stages:
  ladder:
    - {name: inform}
    - {name: educate, enter: {engagement: 10}, leave: {engagement: 5}, handoff: content}
    - {name: validate, enter: {engagement: 50}, leave: {engagement: 30}, handoff: sales}
"""
VISIT = {
    "inflow": {"channel": "search", "source": "google"},
    "page": {"landing": "https://adviser.example/guides?utm_term=x"},
}


async def stored(database_url: str) -> dict[str, Any]:
    """A lead with two downloads, a company and a former hand-off; the fact that hands it over."""
    lead = new_lead()
    guides = [
        msgspec.structs.replace(
            download(number, AT_MS - number * 86_400_000),
            context=VISIT,
            properties={"title": f"Guide {number}", "category": "Retirement"},
        )
        for number in (1, 9)
    ]
    await store_lead(database_url, lead, guides)
    state = ScoreState(
        last=(AT_MS - 86_400_000, "web", "d1"),
        events=2,
        traits={"name": "Sarah", "company": "Adviser Ltd", "iban": "DE00"},
        models={"engagement": ModelState(sums={0: Sum(AT_MS, 20.0)})},
    )
    journeys = [JourneyState("main", "educate", AT_MS, AT_MS, seq=2)]
    await ask(
        database_url,
        "UPDATE lead SET scores = $1, journeys = $2, stage = 'educate' RETURNING id",
        encoded(state),
        encode_journeys(journeys),
    )
    await ask(
        database_url, "INSERT INTO ruleset_version (source) VALUES ($1) RETURNING version", RULES
    )
    await store_scored(database_url, [float(number) for number in range(50)])
    await store_account(database_url, "domain:adviser.example", lead, new_lead())
    former = fact(lead, 1, handoff="content", at_ms=AT_MS - 5 * 86_400_000)
    now = fact(lead, 2, handoff="content", at_ms=AT_MS, scores={"engagement": 20.0})
    for each in (former, now):
        await store_change(database_url, each)
    await put(database_url, [former, now])
    return now


async def packet_of(database_url: str, given: dict[str, Any]) -> dict[str, Any]:
    row = Row(2, given["lead_id"], json.dumps(given), instant(AT_MS))
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        percentiles = Percentiles(pool, lambda: AT_MS)
        builder = Builder(pool, History(pool), Rulesets(pool), "https://leads.example", percentiles)
        built = await builder.build([row])
    (message,) = [one for one in built.messages if one.kind == "handoff-content"]
    packet: dict[str, Any] = json.loads(message.data)
    return packet


async def test_a_packet_tells_all_that_is_known_of_a_lead(database_url: str) -> None:
    """Percentile, bands, interests, inflow, company, what is new, and what would bring it on."""
    packet = await packet_of(database_url, await stored(database_url))
    # 50 others with 0, 1 … 49 points, and the lead itself with 20.
    assert packet["percentile"] == round(100 * 20 / 51, 1)
    assert packet["percentile_of"]["leads"] == 51
    assert packet["bands"] == {"engagement": "warm"}
    assert packet["interests"] == ["Retirement"]
    assert packet["inflow"] == {
        "channel": "search",
        "source": "google",
        "landing": "https://adviser.example/guides",
        "at": "2026-04-24T09:20:00.000Z",
    }
    assert packet["account"]["name"] == "Adviser Ltd"
    assert packet["account_members"] == 2
    since = packet["since_last"]
    assert (since["handoff"], since["days"]) == ("content", 5)
    assert since["scores"] == {"engagement": 7.5}
    assert since["deeds"] == ["downloaded “Guide 1” on 2 May"]
    assert packet["next"] == "asked for a demo: brings the lead to validate at once"
    assert packet["story"] == [
        "downloaded two guides or papers: “Guide 1” and “Guide 9”, the last on 2 May"
    ]
    assert packet["summary"].startswith("Sarah at Adviser Ltd reached educate again on 3 May: ")
    told = render({"type": "handoff.content", "timestamp": "", "data": packet}, {})
    assert told.subject == "Sarah reached educate"


async def test_a_hand_off_does_not_wait_for_its_next_step(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a chunk's packets have had their time, the rest go without."""
    given = await stored(database_url)
    monkeypatch.setattr(build, "NEXT_STEPS_SECONDS", -1.0)
    packet = await packet_of(database_url, given)
    assert (packet["next"], packet["next_step"]) == (None, None)
    assert packet["percentile"] is not None

"""The clock of sequences knows what choices ask for: points as they are by then, and interests."""

from __future__ import annotations

import json

import asyncpg
import msgspec

from services.router.ruleset_words import Rulesets
from services.router.sequences.clock import SequenceClock
from shared.lead_state import JourneyState, ModelState, ScoreState, Sum, encode_journeys
from shared.lead_state import encode_scores as encoded
from shared.sequence_store import enter
from tests.integration.router.outbox_rows import AT_MS, ask, new_lead
from tests.integration.router.stored_leads import download, store_lead

DAY_MS = 86_400_000
RULES = """
models:
  engagement:
    decay: {half_life: 1d}
    rules: [{id: any, on: content_downloaded, points: 5}]
stages: {ladder: [{name: low}, {name: high, enter: {engagement: 500}}]}
sequence_limits: {}
sequences:
  plan:
    hours: {from: "00:00", to: "24:00", days: [mon, tue, wed, thu, fri, sat, sun]}
    steps:
      - {id: first, day: 0, content: [
          {score: {engagement: 15}, content: {id: for-the-keen}}, {content: {id: usual}}]}
      - {id: second, day: 1, content: [
          {score: {engagement: 15}, content: {id: for-the-keen}},
          {interest: [savings], content: {id: savings}},
          {interest: [RETIREMENT], stage: low, content: {id: mistakes}},
          {content: {id: usual}}]}
"""


async def test_choices_see_scores_interests_and_stages(database_url: str) -> None:
    """20 points on the first day are 10 on the second."""
    lead = new_lead()
    guide = msgspec.structs.replace(
        download(1, AT_MS), properties={"title": "A guide", "category": "Retirement"}
    )
    await store_lead(database_url, lead, [guide])
    state = ScoreState(
        last=(AT_MS, "web", "d1"),
        events=1,
        models={"engagement": ModelState({DAY_MS: Sum(AT_MS, 20)})},
    )
    await ask(
        database_url,
        "UPDATE lead SET scores = $1, journeys = $2 RETURNING id",
        encoded(state),
        encode_journeys([JourneyState("main", "low", AT_MS, AT_MS)]),
    )
    await ask(
        database_url, "INSERT INTO ruleset_version (source) VALUES ($1) RETURNING version", RULES
    )
    now_ms = AT_MS
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        async with pool.acquire() as connection:
            await enter(connection, [(lead, "plan", 1, AT_MS, "1")])
        clock = SequenceClock(pool, Rulesets(pool), 4, lambda: now_ms)
        assert [await clock.act(), await clock.act(), await clock.act()] == [1, 1, 0]
        now_ms += DAY_MS
        assert await clock.act() == 1
        told = await pool.fetch("SELECT fact::text AS fact FROM outbox ORDER BY id")
    contents = [json.loads(row["fact"])["data"]["content"]["id"] for row in told]
    assert contents == ["for-the-keen", "mistakes"]

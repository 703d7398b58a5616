"""A merged person is one person: what it said, whose it is and what it was sent count under all its
ids.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

import asyncpg
import pytest

from services.router.at_sending import SuppressedBySaying
from services.router.delivery_rows import Claimed
from services.router.owning import Wanted, give
from services.router.ruleset_words import Rulesets, words_of
from services.router.sequences.clock import SequenceClock
from shared.lead_state import Consent, JourneyState, ScoreState, encode_journeys, encode_scores
from shared.merged_leads import survivors_of
from shared.sales_activity import sales_active
from shared.sequence_store import enter
from shared.settings import Settings
from tests.integration.router.outbox_rows import AT_MS, ask, fact, header, new_lead, put, read_topic
from tests.integration.router.router_process import emptied, running
from tests.integration.router.stored_leads import download, store_lead

COPY = """
INSERT INTO lead SELECT (copy).* FROM (
    SELECT jsonb_populate_record(l, jsonb_build_object('id', $2::text)) AS copy
    FROM lead AS l WHERE l.id = $1) AS made RETURNING 1
"""
MERGE = "UPDATE lead SET merged_into = $2, scores = $3 WHERE id = $1 RETURNING 1"
RULES = """
models: {engagement: {rules: [{id: any, on: content_downloaded, points: 5}]}}
stages: {ladder: [{name: low}, {name: high, enter: {engagement: 500}}]}
sequences:
  plan:
    hours: {from: "00:00", to: "24:00", days: [mon, tue, wed, thu, fri, sat, sun]}
    steps:
      - {id: first, day: 0, content: [{content: {id: hello}}]}
sales: {owners: {team: [{id: ann}, {id: bob}]}}
"""


async def version_of(url: str) -> int:
    """The rules as all leads' version, all on the ladder."""
    version: int = await ask(
        url, "INSERT INTO ruleset_version (source) VALUES ($1) RETURNING version", RULES
    )
    journeys = encode_journeys([JourneyState("main", "low", AT_MS, AT_MS)])
    await ask(url, "UPDATE lead SET ruleset_version = $1, journeys = $2 RETURNING 1",
              version, journeys)  # fmt: skip
    return version


async def people(url: str, said: Mapping[str, Consent] | None = None) -> tuple[str, str, str]:
    """A survivor with the names, the lead that it took in, and the lead that one had taken in."""
    survivor, absorbed, first = new_lead(), new_lead(), new_lead()
    await store_lead(url, survivor, [download(1, AT_MS)])
    await ask(url, COPY, survivor, absorbed)
    await ask(url, COPY, survivor, first)
    state = encode_scores(ScoreState(traits={"name": "Sarah"}, consent=dict(said or {})))
    await ask(url, "UPDATE lead SET scores = $2 WHERE id = $1 RETURNING 1", survivor, state)
    await merged(url, first, absorbed)
    await merged(url, absorbed, survivor)
    return survivor, absorbed, first


async def merged(url: str, absorbed: str, survivor: str) -> None:
    await ask(url, MERGE, absorbed, survivor, encode_scores(ScoreState()))


NO = {"sales_contact": Consent(False, AT_MS), "marketing_email": Consent(False, AT_MS)}


async def test_survivors_are_found_over_merges_of_merges(database_url: str) -> None:
    survivor, absorbed, first = await people(database_url)
    connection = await asyncpg.connect(database_url)
    whose = await survivors_of(connection, [survivor, absorbed, first, new_lead()])
    await connection.close()
    assert whose == dict.fromkeys((survivor, absorbed, first), survivor)


async def test_what_a_person_said_counts_for_messages_about_all_its_ids(database_url: str) -> None:
    """And steps stop while sales is at work on it under another id; tasks by phone are sales'."""
    said = {"marketing_email": Consent(False, AT_MS)}
    survivor, absorbed, first = await people(database_url, said)

    def one(number: int, lead: str, type_: str, channel: str = "email") -> Claimed:
        body = json.dumps({"data": {"channel": channel}}).encode()
        return Claimed(number, UUID(lead), "m", type_, body, 1, 1, 0.0)

    asked = [
        one(1, survivor, "handoff.content"), one(2, absorbed, "handoff.content"),
        one(3, first, "content.step_due"), one(4, first, "content.step_due", "phone_task"),
        one(5, first, "handoff.overdue"), one(6, first, "lead.stage_changed"),
        one(7, new_lead(), "handoff.sales"),
    ]  # fmt: skip
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        look = SuppressedBySaying(pool, Rulesets(pool), lambda: AT_MS)
        assert await look.refused(asked) == {
            1: "marketing_email", 2: "marketing_email", 3: "marketing_email", 7: "erased",
        }  # fmt: skip
        await handed(database_url, survivor)
        assert (await look.refused(asked))[4] == "sales"
        state = encode_scores(ScoreState(consent=NO))
        await pool.execute("UPDATE lead SET scores = $2 WHERE id = $1", survivor, state)
        assert set(await look.refused(asked)) == {1, 2, 3, 4, 5, 7}
        await pool.execute("UPDATE lead SET scores = 'x' WHERE id = $1", survivor)
        assert (await look.refused(asked))[5] == "unreadable"


async def handed(url: str, lead: str) -> None:
    await ask(
        url,
        "INSERT INTO handoff (id, lead_id, kind, journey, stage, episode, seq, ruleset_version,"
        " handed_ms, status, status_ms, bands, source, rules, clock) VALUES (gen_random_uuid(), $1,"
        " 'sales', 'main', 'validate', 1, 1, 1, $2, 'accepted', $2, '{}', '', '{}', '[]')"
        " RETURNING 1",
        lead,
        AT_MS,
    )


@pytest.mark.parametrize("forbids", [True, False])
async def test_a_hand_off_that_waited_past_the_merge_tells_of_the_survivor(
    settings: Settings, database_url: str, forbids: bool
) -> None:
    """Its name, what it did; or nothing, by what it said."""
    _, _, first = await people(database_url, NO if forbids else {})
    await put(database_url, [fact(first, 1, handoff="sales", to_stage="validate")])
    async with running(settings):
        await emptied(database_url)
    told = [
        json.loads(one.value) for one in await read_topic(settings, settings.topics.handoff_sales)
    ]
    assert len(told) == (0 if forbids else 1)
    for packet in told:
        assert packet["lead_id"] == first
        assert packet["who"]["emails"] == ["sarah@adviser.example"]
        assert len(packet["last_actions"]) == 1


async def test_sales_is_at_work_on_a_person_whose_absorbed_lead_was_handed_over(
    database_url: str,
) -> None:
    survivor, absorbed, first = await people(database_url)
    await handed(database_url, first)
    connection = await asyncpg.connect(database_url)
    found = await sales_active(connection, [survivor, absorbed, new_lead()])
    await connection.close()
    assert found == {survivor, absorbed}


async def test_a_person_keeps_its_owner(database_url: str) -> None:
    survivor, _, first = await people(database_url)
    team = words_of(RULES).team
    assert team is not None
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        before = await give(pool, [Wanted(first, ScoreState(), team, AT_MS)])
        after = await give(pool, [Wanted(survivor, ScoreState(), team, AT_MS)])
        assert after == {survivor: before[first]}
        stored = await pool.fetch("SELECT lead_id::text, owner, why FROM lead_owner ORDER BY why")
    assert [tuple(row) for row in stored] == [
        (survivor, before[first], "former"), (first, before[first], "turn"),
    ]  # fmt: skip


async def test_a_sequence_isn_t_begun_again_by_a_merge(database_url: str) -> None:
    """What was sent under an absorbed lead's id was sent to the person."""
    survivor, absorbed, first = await people(database_url)
    url = database_url
    await ask(url, "UPDATE lead SET merged_into = NULL WHERE id = $1 RETURNING 1", first)
    await ask(url, "UPDATE identifier SET lead_id = $1 RETURNING 1", first)
    version = await version_of(url)
    now_ms = AT_MS
    async with asyncpg.create_pool(url, min_size=1, max_size=2) as pool:
        clock = SequenceClock(pool, Rulesets(pool), 4, lambda: now_ms)
        async with pool.acquire() as connection:
            await enter(connection, [(first, "plan", version, AT_MS, "1")])
        await clock.act()
        await clock.act()
        await ask(url, "UPDATE identifier SET lead_id = $1 RETURNING 1", survivor)
        await merged(url, first, absorbed)
        now_ms += 60_000
        async with pool.acquire() as connection:
            await enter(connection, [(survivor, "plan", version, now_ms, "2")])
        await clock.act()
        await clock.act()
        whys = await pool.fetch("SELECT lead_id::text, why FROM sequence_enrolment ORDER BY why")
        sent = await pool.fetchval("SELECT count(*) FROM outbox")
    assert {tuple(row) for row in whys} == {
        (first, "completed"), (survivor, "was on it before"),
    }  # fmt: skip
    assert sent == 1


async def test_a_step_that_waited_for_kafka_is_left_out_when_it_is_refused_by_then(
    settings: Settings, database_url: str
) -> None:
    survivor, _, _ = await people(database_url)
    version = await version_of(database_url)
    async with asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        clock = SequenceClock(pool, Rulesets(pool), settings.router_shards, lambda: AT_MS)
        async with pool.acquire() as connection:
            await enter(connection, [(survivor, "plan", version, AT_MS, "1")])
        await clock.act()
        await clock.act()
        assert await pool.fetchval("SELECT count(*) FROM outbox") == 1
    state = encode_scores(ScoreState(consent=NO))
    await ask(
        database_url, "UPDATE lead SET scores = $2 WHERE id = $1 RETURNING 1", survivor, state
    )
    await put(database_url, [fact(survivor, 1, to_stage="high")])
    async with running(settings):
        await emptied(database_url)
    told = await read_topic(settings, settings.topics.handoff_content)
    assert [header(each, "ce_type") for each in told] == []

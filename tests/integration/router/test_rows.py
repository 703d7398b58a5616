"""Rows of the hand-off table, from a fact of the scorer to topics, tags and silence."""

from __future__ import annotations

import json
from typing import Any

import asyncpg

from shared.settings import Settings
from tests.integration.router.outbox_rows import AT_MS, ask, fact, header, new_lead, put, read_topic
from tests.integration.router.router_process import emptied, running
from tests.integration.router.stored_leads import download, store_lead

RULES = """
segments: [{id: any, when: {field: traits.name, exists: true}}]
models: {engagement: {rules: [{id: visit, on: page_viewed, points: 1}]}}
stages: {ladder: [{name: inform}, {name: educate, enter: {engagement: 5}}]}
handoffs:
  - {id: seen, title: Somebody with a name, segment: any, do: {alert: true, tag: [named, new]}}
  - {id: known, segment: any, do: {untag: new, handoff: sales}}
suppress: {competitor: {domains: rival.example}}
"""


async def publish(database_url: str, source: str = RULES) -> int:
    """The ruleset's version."""
    version: int = await ask(
        database_url, "INSERT INTO ruleset_version (source) VALUES ($1) RETURNING version", source
    )
    return version


def row_fact(lead: str, seq: int, version: int, *rows: str, **over: Any) -> dict[str, Any]:
    return fact(
        lead,
        seq,
        **{
            "kind": "segment_entered", "journey": f"segment:{rows[0]}", "from_stage": "out",
            "to_stage": "in", "rows": list(rows), "ruleset_version": version, **over,
        },
    )  # fmt: skip


async def tags(database_url: str) -> list[tuple[str, str]]:
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("SELECT lead_id::text, tag FROM lead_tag ORDER BY 1, 2")
    finally:
        await connection.close()
    return [tuple(row) for row in rows]


async def test_a_row_tells_alerts_and_tags(settings: Settings, database_url: str) -> None:
    """A signal on the topic of changes, an alert beside the hand-offs, and words on the lead; a
    later row takes one off again.
    """
    lead, version = new_lead(), await publish(database_url)
    await store_lead(database_url, lead, [download(1, AT_MS)])
    await put(database_url, [row_fact(lead, 1, version, "seen")])
    async with running(settings):
        await emptied(database_url)
        assert await tags(database_url) == [(lead, "named"), (lead, "new")]
        await put(database_url, [row_fact(lead, 2, version, "known", handoff="sales")])
        await emptied(database_url)
    assert await tags(database_url) == [(lead, "named")]
    told = await read_topic(settings, settings.topics.stage_changed)
    assert [header(each, "ce_type") for each in told] == ["com.leadscore.lead.signal.v1"] * 2
    signal = json.loads(told[0].value)
    assert (signal["kind"], signal["sequence"]) == ("segment", 1)
    assert signal["rows"] == [{"id": "seen", "title": "Somebody with a name"}]
    alert, packet = await read_topic(settings, settings.topics.handoff_sales)
    assert header(alert, "ce_type") == "com.leadscore.lead.alert.v1"
    assert json.loads(alert.value)["who"]["emails"] == ["sarah@adviser.example"]
    assert json.loads(alert.value)["rows"][0]["id"] == "seen"
    assert json.loads(packet.value)["sequence"] == 2


async def test_a_competitor_is_handed_to_nobody(settings: Settings, database_url: str) -> None:
    """What is stored when it would go out decides: the change is told, and says why no more is."""
    lead, version = new_lead(), await publish(database_url)
    await store_lead(database_url, lead, [download(1, AT_MS)])
    await ask(
        database_url,
        "UPDATE identifier SET value = 'spy@rival.example' WHERE lead_id = $1 RETURNING 1",
        lead,
    )
    await ask(database_url, "UPDATE lead SET ruleset_version = $1 RETURNING 1", version)
    released = fact(lead, 1, kind="handoff_released", handoff="sales", ruleset_version=version)
    both = row_fact(lead, 2, version, "known", "seen", handoff="sales")
    await put(database_url, [released, both])
    async with running(settings):
        await emptied(database_url)
    assert await read_topic(settings, settings.topics.handoff_sales) == []
    (told,) = await read_topic(settings, settings.topics.stage_changed)
    assert json.loads(told.value)["handoff_suppressed"] == "competitor"


async def test_what_a_company_reached_takes_no_number(
    settings: Settings, database_url: str
) -> None:
    """Two of its changes are two messages, without the header of the sequence."""
    lead, version = new_lead(), await publish(database_url)
    await store_lead(database_url, lead, [download(1, AT_MS)])
    changes = [
        row_fact(
            lead, 0, version, "seen", kind="account_changed", journey="account:group:acme",
            to_stage="warm", episode=episode,
        )
        for episode in (1, 2)
    ]  # fmt: skip
    await put(database_url, changes)
    async with running(settings):
        await emptied(database_url)
    told = await read_topic(settings, settings.topics.stage_changed)
    assert len({header(each, "ce_id") for each in told}) == 2
    for each in told:
        assert "ce_sequence" not in dict(each.headers)
        signal = json.loads(each.value)
        assert (signal["account"], signal["account_stage"]) == ("group:acme", "warm")
        assert signal["sequence"] is None


async def test_a_wait_that_a_person_dropped_never_goes(
    settings: Settings, database_url: str
) -> None:
    """Not when the lead becomes known, either."""
    lead = new_lead()
    await store_lead(database_url, lead, [download(1, AT_MS)])
    waits = fact(lead, 1, handoff="sales", to_stage="validate", waiting=True, known=False)
    released = {**waits, "kind": "handoff_released", "waiting": False, "known": True}
    async with running(settings):
        await put(database_url, [waits])
        await emptied(database_url)
        assert await ask(database_url, "SELECT status FROM handoff") == "waiting"
        await ask(database_url, "UPDATE handoff SET status = 'dropped' RETURNING 1")
        await put(database_url, [released])
        await emptied(database_url)
    assert await read_topic(settings, settings.topics.handoff_sales) == []
    assert await ask(database_url, "SELECT status FROM handoff") == "dropped"

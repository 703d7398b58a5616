"""Merges, and merges taken back, on the topic, in webhooks and in packets."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from shared.settings import Settings
from tests.integration.router.outbox_rows import (
    ask,
    fact,
    header,
    merge,
    new_lead,
    put,
    read_topic,
)
from tests.integration.router.router_process import emptied, running
from tests.integration.router.stored_leads import download, store_lead, store_merge

DESTINATION = (
    "INSERT INTO destination (id, name, url, allow_private) VALUES"
    " (gen_random_uuid(), 'crm', 'http://127.0.0.1:9/', true)"
)
QUEUED = "SELECT json_agg(convert_from(body, 'UTF8')::json ->> 'type' ORDER BY id) FROM delivery"

Told = dict[str, list[tuple[str, dict[str, Any]]]]


async def told_of(settings: Settings) -> Told:
    """By lead, in order: (what is left of ce_type, data)."""
    found: Told = defaultdict(list)
    for record in await read_topic(settings, settings.topics.stage_changed):
        data = json.loads(record.value)
        assert int(header(record, "ce_sequence")) == data["sequence"]
        kind = header(record, "ce_type").removeprefix("com.leadscore.lead.")
        found[record.key.decode()].append((kind, data))
    return found


async def test_both_leads_of_a_merge_and_of_its_end_go_on_with_their_sequences(
    settings: Settings, database_url: str
) -> None:
    """Each says who the other is, on the topic and to webhooks, and no number is missing."""
    await ask(database_url, DESTINATION)
    gone, stays = new_lead(), new_lead()
    still: dict[str, Any] = {"from_stage": "educate", "reasons": [], "scores": {}}
    into = {**still, "cause": "merge", "other_lead": stays, "merged_into": stays}
    back = {**still, "cause": "unmerge", "other_lead": stays}
    await put(
        database_url,
        [
            fact(gone, 1),
            fact(stays, 1),
            fact(gone, 2, **into),
            merge(stays, 2, other_lead=gone),
            fact(stays, 3, cause="merge"),
            merge(stays, 4, kind="lead_unmerged", cause="unmerge", other_lead=gone, actor="dora"),
            fact(gone, 3, **back),
        ],
    )
    async with running(settings):
        await emptied(database_url)
    told = await told_of(settings)
    assert [data["sequence"] for _, data in told[gone]] == [1, 2, 3]
    assert [data["sequence"] for _, data in told[stays]] == [1, 2, 3, 4]
    assert [kind for kind, _ in told[gone]] == ["stage-changed.v1"] * 3
    assert [data["merged_into"] for _, data in told[gone]] == [None, stays, None]
    assert [data["unmerged_from"] for _, data in told[gone]] == [None, None, stays]
    kinds = ["stage-changed.v1", "merged.v1", "stage-changed.v1", "unmerged.v1"]
    assert [kind for kind, _ in told[stays]] == kinds
    assert told[stays][1][1]["merged_from"] == gone
    assert (told[stays][3][1]["parted"], told[stays][3][1]["actor"]) == (gone, "dora")
    queued = json.loads(await ask(database_url, QUEUED))
    assert sorted(queued) == ["lead.merged", *["lead.stage_changed"] * 5, "lead.unmerged"]


async def test_a_packet_names_all_leads_that_are_part_of_this_one(
    settings: Settings, database_url: str
) -> None:
    """Those that were taken in by one that was taken in, too; not those that parted again."""
    lead, first, second, parted = (new_lead() for _ in range(4))
    await store_lead(database_url, lead, [download(1, 0)])
    await store_merge(database_url, first, second)
    await store_merge(database_url, parted, second, undone_ms=1)
    await store_merge(database_url, second, lead)
    await put(database_url, [fact(lead, 1, handoff="sales")])
    async with running(settings):
        await emptied(database_url)
    (record,) = await read_topic(settings, settings.topics.handoff_sales)
    assert json.loads(record.value)["merged_from"] == [second, first]


async def test_a_merge_that_names_nobody_holds_up_its_lead_only(
    settings: Settings, database_url: str
) -> None:
    """It is set aside, as every fact that makes no sense."""
    bad, good = new_lead(), new_lead()
    await put(database_url, [merge(bad, 1, other_lead=None), fact(bad, 2), merge(good, 1)])
    async with running(settings):
        await emptied(database_url, left=2)
    assert set(await told_of(settings)) == {good}

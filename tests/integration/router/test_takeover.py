"""A router that dies between the acknowledgement and the mark publishes nothing twice."""

from __future__ import annotations

import json

from services.router.faults import AFTER_COMMIT, BEFORE_COMMIT
from shared.settings import Settings
from tests.integration.router.kills import assert_once_despite_kills
from tests.integration.router.outbox_rows import ask, fact, header, new_lead, put, read_topic
from tests.integration.router.router_process import emptied, router, running

DESTINATION = (
    "INSERT INTO destination (id, name, url, allow_private) VALUES"
    " (gen_random_uuid(), 'crm', 'http://127.0.0.1:9/', true)"
)


async def test_five_kills_after_the_acknowledgement_publish_nothing_twice(
    settings: Settings, database_url: str
) -> None:
    """Every (lead, sequence) is there once, in order, for a reader that doesn't dedupe."""
    await assert_once_despite_kills(settings, database_url, 5, AFTER_COMMIT)


async def test_kills_inside_the_transaction_show_nothing_of_it(
    settings: Settings, database_url: str
) -> None:
    """What was sent but not committed is aborted by the next owner, and sent again."""
    await assert_once_despite_kills(settings, database_url, 2, BEFORE_COMMIT)


async def test_what_was_found_on_the_topics_is_posted_to_webhooks_too(
    settings: Settings, database_url: str
) -> None:
    """The kill came before the deliveries were queued: the take-over queues them, with the data
    that is on the topic."""
    await ask(database_url, DESTINATION)
    lead = new_lead()
    await put(database_url, [fact(lead, 1), fact(lead, 2)])
    async with router(settings, LEADSCORE_FAULT=f"{AFTER_COMMIT}:exit") as process:
        await process.wait()
    assert await ask(database_url, "SELECT count(*) FROM delivery") == 0
    async with running(settings):
        await emptied(database_url)
    records = await read_topic(settings, settings.topics.stage_changed)
    on_topic = [(header(record, "ce_id"), json.loads(record.value)) for record in records]
    queued = json.loads(
        await ask(
            database_url,
            "SELECT json_agg(json_build_array(message_id, convert_from(body, 'UTF8')::json"
            " -> 'data') ORDER BY id) FROM delivery",
        )
    )
    assert [(id_, data) for id_, data in queued] == on_topic
    assert [data["sequence"] for _, data in on_topic] == [1, 2]

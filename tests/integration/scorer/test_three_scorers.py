"""Random people through three scorer processes: the leads and scores of somebody who sees all.

Their events come in random order, doubled, over partitions chosen at random. LEADSCORE_STORIES
says how many stories there are (`make test-people`: 5,000), told a hundred at a time.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import ExitStack

import asyncpg

from services.scorer.audit.yardstick import as_written, plain_event
from services.scorer.slow.lead import Oracle
from shared.bodies import open_body
from shared.bus import create_producer
from shared.decay import score_at
from shared.envelope import Event, decode_event, encode_event, milliseconds
from shared.lead_state import decode_scores
from shared.settings import Settings
from tests.integration.scorer.bench_of_leads import RULES, START
from tests.integration.scorer.test_process import all_taken, go_live, until_ready
from tests.oracle.people import Tale
from tests.oracle.people_at_random import hash_of, story
from tests.processes import service

STORIES = int(os.environ.get("LEADSCORE_STORIES", "60"))
AT_ONCE = 100
AT_MS = milliseconds(START) + 86_400_000

# A lead: its events, and its scores a day after the start.
Found = tuple[list[tuple[str, str]], dict[str, float]]


async def test_leads_and_scores_are_those_of_whoever_sees_everything(settings: Settings) -> None:
    """Whatever partition an event comes by, and when; nothing is counted twice or lost."""
    await go_live(settings)
    dice = random.Random(int(os.environ.get("LEADSCORE_SEED", "0")))
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    sent = 0
    with ExitStack() as stack:
        scorers = [
            stack.enter_context(service("scorer", settings, LEADSCORE_INSTANCE=f"s{number}"))
            for number in range(3)
        ]
        await until_ready(*scorers)
        for first in range(0, STORIES, AT_ONCE):
            stories = {
                f"s{number}-": story(dice, prefix=f"s{number}-")
                for number in range(first, min(first + AT_ONCE, STORIES))
            }
            sent += await _send(settings, dice, [one for told in stories.values() for one in told])
            await all_taken(settings, sent)
            found = await _found(connection)
            for prefix, told in stories.items():
                assert found.get(prefix) == _expected(told), f"story {prefix}"
            await _begin_anew(connection)
            print(f"{first + len(stories)} stories equal", flush=True)
    await connection.close()


async def _send(settings: Settings, dice: random.Random, events: list[Event]) -> int:
    doubled = dice.sample(events, len(events)) + dice.sample(events, len(events) // 10)
    producer = create_producer(settings)
    await producer.start()
    waiting = [
        await producer.send(
            settings.topics.lead_events, encode_event(event),
            partition=dice.randrange(settings.event_partitions),
        )
        for event in doubled
    ]  # fmt: skip
    await asyncio.gather(*waiting)
    await producer.stop()
    return len(doubled)


def _expected(told: list[Event]) -> list[Found]:
    tale = Tale(told, hash_of)
    by_place = {(event.source, event.id): event for event in tale.events}
    found = []
    for shown in tale.leads():
        oracle = Oracle(as_written(RULES), [plain_event(by_place[place]) for place in shown], AT_MS)
        scores = {name: round(oracle.score(name, AT_MS), 6) for name in ("engagement", "fit")}
        found.append((shown, scores))
    return found


async def _found(connection: asyncpg.Connection) -> dict[str, list[Found]]:
    """The leads of each story that have events."""
    events: dict[object, list[tuple[str, str]]] = {}
    for row in await connection.fetch("SELECT lead_id, body FROM event"):
        event = decode_event(open_body(row["body"]))
        events.setdefault(row["lead_id"], []).append((event.source, event.id))
    stories: dict[str, list[Found]] = {}
    for row in await connection.fetch("SELECT id, scores FROM lead WHERE merged_into IS NULL"):
        shown = sorted(events.get(row["id"], ()))
        models = decode_scores(row["scores"]).models
        scores = {
            name: round(score_at(models[name], AT_MS), 6) if name in models else 0.0
            for name in ("engagement", "fit")
        }
        if shown:
            stories.setdefault(shown[0][1].partition("-")[0] + "-", []).append((shown, scores))
    return {prefix: sorted(leads, key=lambda lead: lead[0]) for prefix, leads in stories.items()}


async def _begin_anew(connection: asyncpg.Connection) -> None:
    """Forget what was compared: the next stories have names of their own."""
    for table in ("event", "checkpoint", "stage_history", "outbox"):
        await connection.execute(f"DELETE FROM {table}")
    await connection.execute("DELETE FROM identifier")
    await connection.execute("DELETE FROM lead")

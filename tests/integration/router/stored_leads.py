"""Leads and events as the scorer stores them."""

from __future__ import annotations

import json
from typing import Any

import asyncpg

from shared.envelope import Event, Identifiers, encode_event, instant
from shared.ids import dedupe_key
from shared.lead_state import ModelState, ScoreState, Sum, encode_scores
from shared.ledger import Entry, encode_entries
from tests.arrivals import HASH_KEY
from tests.integration.router.outbox_rows import AT_MS, new_lead


async def store_lead(database_url: str, lead_id: str, events: list[Event]) -> None:
    """A known lead with an address and these events, each worth 5 points by one rule."""
    connection = await asyncpg.connect(database_url)
    number = await connection.fetchval(
        "INSERT INTO rule_number (name) VALUES ('engagement/any') RETURNING number"
    )
    await connection.execute(
        "INSERT INTO lead (id, created_ms, known, ruleset_version, stage, stage_since_ms, scores,"
        " journeys) VALUES ($1, 0, true, 1, 'validate', $2, $3, '')",
        lead_id,
        AT_MS,
        encode_scores(ScoreState(traits={"name": "Sarah"})),
    )
    await connection.execute(
        "INSERT INTO identifier (kind, value, lead_id) VALUES (2, 'sarah@adviser.example', $1)",
        lead_id,
    )
    await connection.executemany(
        "INSERT INTO event (key, lead_id, occurred_ms, body, entries) VALUES ($1, $2, $3, $4, $5)",
        [
            (
                dedupe_key(HASH_KEY, each.source, each.id),
                lead_id,
                int(each.occurred_at.timestamp() * 1000),
                encode_event(each),
                encode_entries([Entry(number, 5.0, 5.0)]),
            )
            for each in events
        ],
    )
    await connection.close()


async def store_time(database_url: str, lead_id: str, rule: str, *given: tuple[int, float]) -> None:
    """What time gave by one rule, or took: (instant, points)."""
    connection = await asyncpg.connect(database_url)
    number = await connection.fetchval(
        "INSERT INTO rule_number (name) VALUES ($1) RETURNING number", rule
    )
    await connection.executemany(
        "INSERT INTO time_entry (lead_id, at_ms, entries) VALUES ($1, $2, $3)",
        [
            (lead_id, at_ms, encode_entries([Entry(number, points, points)]))
            for at_ms, points in given
        ],
    )
    await connection.close()


async def store_change(database_url: str, fact: dict[str, Any]) -> None:
    """The row of the stage history that goes with a fact."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO stage_history SELECT $1, seq, at_ms, journey, from_stage, to_stage, cause,"
        " episode, ruleset_version, reasons FROM jsonb_populate_record(NULL::stage_history, $2)",
        fact["lead_id"],
        json.dumps(fact),
    )
    await connection.close()


async def store_merge(
    database_url: str, absorbed: str, survivor: str, undone_ms: int | None = None
) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO lead_merge (absorbed, survivor, at_ms, cause, undone_ms)"
        " VALUES ($1, $2, $3, 'alias', $4)",
        absorbed,
        survivor,
        AT_MS,
        undone_ms,
    )
    await connection.close()


def download(number: int, at_ms: int, type_: str = "content_downloaded") -> Event:
    return Event(
        id=f"d{number}",
        source="web",
        type=type_,
        occurred_at=instant(at_ms),
        received_at=instant(at_ms),
        identifiers=Identifiers(email="sarah@adviser.example"),
        properties={"title": f"Guide {number}"},
    )


async def store_account(database_url: str, key: str, *lead_ids: str) -> None:
    """A company with a stage, and its people."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO account (key, shard, members, scores, at_ms, stage, stage_since_ms,"
        " ruleset_version, rests_until)"
        " VALUES ($1, 0, $2, '{\"engagement\": 80.5}', $3, 'active', $3, 1, now())",
        key,
        len(lead_ids),
        AT_MS,
    )
    await connection.executemany(
        "INSERT INTO account_member (lead_id, account) VALUES ($1, $2)",
        [(lead_id, key) for lead_id in lead_ids],
    )
    await connection.close()


async def store_scored(database_url: str, points: list[float], version: int = 1) -> None:
    """Leads with these points in the model engagement, which don't fade."""
    connection = await asyncpg.connect(database_url)
    await connection.executemany(
        "INSERT INTO lead (id, created_ms, known, ruleset_version, stage, stage_since_ms, scores,"
        " journeys) VALUES ($1, 0, true, $2, 'inform', 0, $3, '')",
        [
            (
                new_lead(),
                version,
                encode_scores(
                    ScoreState(models={"engagement": ModelState(sums={0: Sum(AT_MS, each)})})
                ),
            )
            for each in points
        ],
    )
    await connection.close()

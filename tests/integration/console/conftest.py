"""A read API over a database of the test's own, and rows as the scorer writes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa
import zstandard
from sqlalchemy.ext.asyncio import AsyncEngine

from services.console.app import create_app
from shared.database import engine_for
from shared.envelope import Event, Identifiers, Verdict, encode_event, instant
from shared.errors import TryAgainError
from shared.health import Health
from shared.identity import ANONYMOUS
from shared.ids import dedupe_key, new_lead_id
from shared.lead_state import (
    Consent,
    JourneyState,
    ModelState,
    ScoreState,
    Sum,
    encode_journeys,
    encode_scores,
)
from shared.ledger import Entry, encode_entries
from shared.ruleset.store import load, publish
from shared.tables import event, identifier, lead, lead_merge, stage_history, time_entry
from tests.arrivals import HASH_KEY

NOW_MS = 1_780_000_000_000
DAY_MS = 86_400_000
TOKEN = "test-api-token"

RULESET = """
personas:
  - {id: boss, when: {field: traits.title, eq: chief}}
  - {id: nobody, when: {field: traits.title, eq: nothing}}
segments:
  - {id: large, when: {field: traits.size, gte: 200}}
models:
  engagement:
    decay: {half_life: 30d}
    rules:
      - {id: pricing-page, on: page_viewed, points: 10, say: "saw {context.page.title|prices}"}
      - {id: download, on: content_downloaded, points: 20, decay: {half_life: 90d},
         limit: {times: 2, per: day}}
  fit:
    rules:
      - {id: senior, when: {field: traits.title, contains: chief}, points: 15}
stages:
  ladder:
    - {name: inform}
    - {name: educate, labels: [MQL], enter: {engagement: 10}, leave: {engagement: 5}}
    - {name: validate, enter: {engagement: 500}, leave: {engagement: 400}, handoff: sales}
  side:
    - {name: dormant, labels: [asleep], when: {quiet: {for: 300d}}}
journeys:
  renewal:
    ladder: [{name: safe, labels: [fine]}]
  late:
    when: {seen: {on: purchase_made}}
    ladder: [{name: begun}]
"""


@dataclass(slots=True)
class Rows:
    """Writes rows; `rules` are the rule numbers of the published ruleset."""

    engine: AsyncEngine
    version: int
    rules: dict[str, int]
    written: int = field(default=0)

    async def lead(
        self,
        *,
        stage: str = "inform",
        identifiers: tuple[tuple[int, str], ...] = (),
        models: dict[str, ModelState] | None = None,
        last_ms: int = NOW_MS - DAY_MS,
        merged_into: UUID | None = None,
        traits: dict[str, Any] | None = None,
        locked_ms: int = -1,
        consent: dict[str, Consent] | None = None,
    ) -> UUID:
        """Insert a lead; later ones have higher ids. Returns the id."""
        self.written += 1
        lead_id = new_lead_id(NOW_MS + self.written)
        state = ScoreState(
            last=(last_ms, "web", "m"),
            events=1,
            traits=traits or {},
            models=models or {},
            consent=consent or {},
        )
        since_ms = NOW_MS - 2 * DAY_MS
        journey = JourneyState("main", stage, since_ms, last_ms, locked_ms=locked_ms)
        async with self.engine.begin() as connection:
            await connection.execute(
                sa.insert(lead).values(
                    id=lead_id,
                    created_ms=NOW_MS - 5 * DAY_MS,
                    known=bool(identifiers),
                    merged_into=merged_into,
                    ruleset_version=self.version,
                    stage=stage,
                    stage_since_ms=since_ms,
                    scores=encode_scores(state),
                    journeys=encode_journeys(
                        [journey, JourneyState("renewal", "safe", last_ms, last_ms)]
                    ),
                )
            )
            for kind, value in identifiers:
                await connection.execute(
                    sa.insert(identifier).values(kind=kind, value=value, lead_id=lead_id)
                )
        return lead_id

    async def events(self, lead_id: UUID, *happened: tuple[Event, list[Entry]]) -> None:
        """Insert events with their entries; every second body as a zstd frame."""
        rows = []
        for index, (each, entries) in enumerate(happened):
            body = encode_event(each)
            rows.append({
                "key": dedupe_key(HASH_KEY, each.source, each.id),
                "lead_id": lead_id,
                "occurred_ms": int(each.occurred_at.timestamp() * 1000),
                "body": zstandard.compress(body) if index % 2 else body,
                "entries": encode_entries(entries),
            })  # fmt: skip
        async with self.engine.begin() as connection:
            await connection.execute(sa.insert(event), rows)

    async def pass_on(self, anonymous_id: str, lead_id: UUID) -> None:
        """An anonymous id belongs to another lead from NOW_MS on."""
        async with self.engine.begin() as connection:
            await connection.execute(
                sa.insert(identifier).values(
                    kind=ANONYMOUS, value=anonymous_id, since_ms=NOW_MS, lead_id=lead_id
                )
            )

    async def manual_move(self, lead_id: UUID, seq: int, stage: str, actor: str) -> None:
        """Insert a change by hand, of a stage to itself."""
        await self.stage_moves(lead_id, (seq, stage, stage))
        async with self.engine.begin() as connection:
            await connection.execute(
                sa.update(stage_history)
                .where(stage_history.c.lead_id == lead_id, stage_history.c.seq == seq)
                .values(cause="manual", actor=actor, reasons=[])
            )

    async def merge_move(self, lead_id: UUID, seq: int, cause: str, other_lead: UUID) -> None:
        """Insert a change that a merge, or the end of one, made of a stage to itself."""
        await self.manual_move(lead_id, seq, "inform", "")
        async with self.engine.begin() as connection:
            await connection.execute(
                sa.update(stage_history)
                .where(stage_history.c.lead_id == lead_id, stage_history.c.seq == seq)
                .values(cause=cause, other_lead=other_lead)
            )

    async def merged(self, absorbed: UUID, survivor: UUID) -> None:
        """Insert a merge."""
        async with self.engine.begin() as connection:
            await connection.execute(
                sa.insert(lead_merge).values(
                    absorbed=absorbed, survivor=survivor, at_ms=NOW_MS, cause="alias"
                )
            )

    async def times(self, lead_id: UUID, *given: tuple[int, list[Entry]]) -> None:
        """Insert what time gave or took, each at an instant."""
        rows = [
            {"lead_id": lead_id, "at_ms": at_ms, "entries": encode_entries(entries)}
            for at_ms, entries in given
        ]
        async with self.engine.begin() as connection:
            await connection.execute(sa.insert(time_entry), rows)

    async def stage_moves(self, lead_id: UUID, *moves: tuple[int, str, str]) -> None:
        """Insert stage changes: (seq, from, to)."""
        async with self.engine.begin() as connection:
            for seq, from_stage, to_stage in moves:
                await connection.execute(
                    sa.insert(stage_history).values(
                        lead_id=lead_id,
                        seq=seq,
                        at_ms=NOW_MS - DAY_MS + seq,
                        journey="main",
                        from_stage=from_stage,
                        to_stage=to_stage,
                        cause="event",
                        episode=1,
                        ruleset_version=self.version,
                        reasons=[{
                            "event_id": f"m{seq}",
                            "source": "web",
                            "type": "page_viewed",
                            "rule": "engagement/pricing-page",
                            "points": 10.0,
                            "occurred_at": "2026-05-28T20:26:40.000Z",
                        }],
                    )
                )  # fmt: skip


def happening(name: str, at_ms: int, kind: str = "page_viewed", **more: Any) -> Event:
    """An event of the source web."""
    return Event(
        id=name,
        source="web",
        type=kind,
        occurred_at=instant(at_ms),
        received_at=instant(at_ms + 5),
        identifiers=Identifiers(anonymous_id="a1"),
        **{"verdict": Verdict("human"), **more},
    )


def decaying(amount: float, half_life_days: int, ref_ms: int) -> ModelState:
    """A model's state with one sum."""
    return ModelState(sums={half_life_days * DAY_MS: Sum(ref_ms, amount)})


@pytest.fixture
async def rows(database_url: str) -> AsyncIterator[Rows]:
    """Rows over a published ruleset."""
    engine = engine_for(database_url)
    async with engine.begin() as connection:
        version = await publish(connection, RULESET)
        stored = await load(connection, version)
    yield Rows(engine, version, stored.rule_numbers)
    await engine.dispose()


async def no_kafka(_: Event) -> None:
    """What a sender does while no broker answers."""
    raise TryAgainError("no broker answers")


@pytest.fixture
async def api(rows: Rows) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with the token; the clock of the API stands at NOW_MS."""
    health = Health()
    health.set("postgres", True)
    app = create_app(rows.engine, health, TOKEN, lambda: NOW_MS, no_kafka)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://api",
        headers={"Authorization": f"Bearer {TOKEN}"},
    ) as client:
        yield client

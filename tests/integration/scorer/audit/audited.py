"""Leads that were taken in by the scorer's own transaction, and their audit."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.scorer.audit.examiner import Asked, Examiner, Finding
from services.scorer.core.compile import compile_ruleset
from services.scorer.core.compiled import Ruleset
from shared.database import engine_for
from shared.ruleset.store import load, publish
from shared.settings import Settings
from tests.integration.scorer.bench_of_leads import Workbench

FIRST, LAST = UUID(int=0), UUID(int=(1 << 128) - 1)


async def made_live(database_url: str, text: str) -> Ruleset:
    """Publish a ruleset; what a scorer would make of it."""
    engine = engine_for(database_url)
    async with engine.begin() as connection:
        version = await publish(connection, text)
        stored = await load(connection, version)
    await engine.dispose()
    return compile_ruleset(stored.document, stored.rule_numbers, version)


def settings_for(database_url: str) -> Settings:
    """Of a process that needs no Kafka, with the workbench's topic."""
    return Settings.model_validate(
        {
            "kafka_bootstrap_servers": "nowhere:9092",
            "database_url": database_url,
            "hash_key": "a key for tests only, 32 bytes..",
        }
    )


async def audit(bench: Workbench, database_url: str, **asked: bool) -> list[Finding]:
    """Examine every lead in this process. What differs."""
    examiner = Examiner(bench.connection, settings_for(database_url), Asked(**asked))
    checked, findings = await examiner.examine_range(FIRST, LAST)
    assert checked == await bench.connection.fetchval("SELECT count(*) FROM lead")
    return findings


def told(findings: list[Finding]) -> list[tuple[Any, ...]]:
    """(what, as stored, as recomputed) of all."""
    return [
        (one.what, one.stored, one.recomputed)
        for finding in findings
        for one in finding.differences
    ]

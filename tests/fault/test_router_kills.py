"""Fifty kills of the router between Kafka's acknowledgement and the mark in Postgres."""

from __future__ import annotations

import os

from services.router.faults import AFTER_COMMIT
from shared.settings import Settings
from tests.integration.router.kills import assert_once_despite_kills

KILLS = int(os.environ.get("LEADSCORE_TEST_KILLS", "50"))


async def test_fifty_kills_publish_nothing_twice_and_lose_nothing(
    settings: Settings, database_url: str
) -> None:
    """A read_committed reader that doesn't dedupe sees each (lead, sequence) once, in order."""
    await assert_once_despite_kills(settings, database_url, KILLS, AFTER_COMMIT)

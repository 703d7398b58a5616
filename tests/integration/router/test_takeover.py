"""A router that dies between the acknowledgement and the mark publishes nothing twice."""

from __future__ import annotations

import os

import pytest

from services.router.faults import AFTER_COMMIT, BEFORE_COMMIT
from shared.settings import Settings
from tests.integration.router.kills import assert_once_despite_kills


@pytest.mark.parametrize("point", [AFTER_COMMIT, BEFORE_COMMIT])
async def test_a_reader_that_does_not_dedupe_sees_each_change_once(
    settings: Settings, database_url: str, point: str
) -> None:
    """Five kills at the worst moment: every (lead, sequence) is there once, in order."""
    kills = int(os.environ.get("LEADSCORE_TEST_KILLS", "5"))
    await assert_once_despite_kills(settings, database_url, kills, point)

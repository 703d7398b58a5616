"""Fixtures of the scorer's integration tests."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.integration.scorer.bench_of_leads import Workbench


@pytest_asyncio.fixture
async def bench(database_url: str) -> AsyncIterator[Workbench]:
    """A workbench over the test's own database."""
    workbench = await Workbench.open(database_url)
    yield workbench
    await workbench.connection.close()

"""Fixtures of the scorer's integration tests."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.scorer.bench_of_leads import Workbench, ruleset
from tests.integration.scorer.firms import RULES, Firms


@pytest_asyncio.fixture
async def bench(database_url: str) -> AsyncIterator[Workbench]:
    """A workbench over the test's own database."""
    workbench = await Workbench.open(database_url)
    yield workbench
    await workbench.connection.close()


@pytest.fixture
def firms(bench: Workbench) -> Firms:
    """A workbench whose ruleset scores companies."""
    return Firms(bench.connection, ruleset(RULES))

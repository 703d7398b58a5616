"""Kafka goes away and comes back under a running scorer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import ports
from shared.bus import ensure_topics
from shared.settings import Settings
from tests.integration.ingest.test_kafka_away import Broker
from tests.integration.scorer.bench_of_leads import happening
from tests.integration.scorer.test_process import all_taken, go_live, send
from tests.processes import service, wait_for


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of the test's own, to be stopped."""
    broker = Broker(tmp_path)
    yield broker
    broker.close()


async def test_while_kafka_is_away_it_is_not_ready_but_lives_and_stops_cleanly(
    broker: Broker, database_url: str
) -> None:
    """It says that no broker answers, goes on once one does, and stops with 0 meanwhile."""
    settings = Settings.model_validate(
        {
            "kafka_bootstrap_servers": f"{ports.HOST}:{broker.where.kafka}",
            "database_url": database_url,
            "event_partitions": 2,
            "hash_key": "a key for tests only, 32 bytes..",
        }
    )
    await ensure_topics(settings)
    await go_live(settings)
    with service("scorer", settings) as scorer:
        scorer.wait_ready()
        broker.stop()
        wait_for(lambda: scorer.away() == {"kafka": "no broker answers"}, "the scorer to notice")
        assert scorer.answer("/livez")[0] == 200
        broker.start()
        await send(settings, [happening(1, anonymous_id="a")])
        await all_taken(settings, 1)
        scorer.wait_ready()
        broker.stop()
        wait_for(lambda: scorer.away(), "the scorer to notice again")
        assert scorer.stop() == 0

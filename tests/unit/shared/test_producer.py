"""Producers are made so that an acknowledgement means something."""

from __future__ import annotations

from services.ingest.placement import make_producer
from shared.bus import create_producer
from shared.settings import Settings

ALL_REPLICAS = -1


async def test_every_producer_waits_for_all_replicas_and_is_idempotent() -> None:
    """A broker alone can't tell acks=1 from acks=all, so no other test would notice."""
    settings = Settings(kafka_bootstrap_servers="k:1", database_url="d", hash_key="x" * 16)
    for producer in (create_producer(settings), make_producer(settings)):
        sender = producer._sender
        assert sender._acks == ALL_REPLICAS
        assert sender._txn_manager is not None

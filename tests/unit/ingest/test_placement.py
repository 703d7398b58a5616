"""Records go where Kafka's default partitioner would put them, whoever sends them."""

from __future__ import annotations

import os

from aiokafka.partitioner import DefaultPartitioner

from services.ingest.placement import default_partition


def test_places_are_those_of_the_default_partitioner() -> None:
    """Else a person's events would be in two partitions."""
    every = list(range(12))
    default = DefaultPartitioner()
    for _ in range(500):
        key = os.urandom(16)
        assert default_partition(key, every, every) == default(key, every, every)


def test_without_a_key_an_available_partition_is_chosen() -> None:
    """As dead letters have none."""
    assert default_partition(None, [0, 1, 2], [1]) == 1
    assert default_partition(None, [0], []) == 0

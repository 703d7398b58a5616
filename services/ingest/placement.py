"""Ingest's producer, and where its records go: the default partitioner, its hash remembered."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from shared.bus import create_producer
from shared.settings import Settings

# The hash of a key costs 6 µs in Python, and people come again.
_hash = lru_cache(maxsize=65_536)(murmur2)


def default_partition(key: bytes | None, every: Sequence[int], available: Sequence[int]) -> int:
    """Like aiokafka's DefaultPartitioner: by murmur2 of the key, any available one without."""
    if key is None:
        return random.choice(available or every)  # noqa: S311 - nothing secret
    place: int = (_hash(key) & 0x7FFF_FFFF) % len(every)
    return every[place]


def make_producer(settings: Settings) -> AIOKafkaProducer:
    """A producer that doesn't linger: `Intake` gathers what goes out together."""
    return create_producer(settings, linger_ms=0, partitioner=default_partition)

"""Batches of records against a real Kafka."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
from aiokafka.structs import TopicPartition

from services.ingest.batches import attempt_in_batches
from services.ingest.placement import default_partition, make_producer
from shared.bus import PRODUCERS_REPLACED, Record, SupervisedProducer, create_consumer
from shared.errors import PoisonError
from shared.settings import Settings


@pytest.fixture
async def producer(settings: Settings) -> AsyncIterator[SupervisedProducer]:
    producer = SupervisedProducer(lambda: make_producer(settings), attempt_in_batches)
    await producer.start()
    yield producer
    await producer.stop()


async def test_records_are_where_they_are_said_to_be(
    settings: Settings, producer: SupervisedProducer
) -> None:
    """Each by its key, in order; those too large for one batch, or without a key, too."""
    topic, every = settings.topics.lead_events, list(range(settings.event_partitions))
    records = [Record(topic, b"%d" % n, os.urandom(16)) for n in range(300)]
    records += [Record(topic, os.urandom(90_000), b"one key") for _ in range(7)]
    records.append(Record(topic, b"x" * 500_000, b"one key"))
    records.append(Record(settings.topics.dead_letter, b"bad", None, [("why", b"test")]))
    placed = await producer.deliver(records)
    async with create_consumer(settings) as consumer:
        for record, place in zip(records, placed, strict=True):
            if record.key is not None:
                assert place.partition == default_partition(record.key, every, every)
            where = TopicPartition(record.topic, place.partition)
            consumer.assign([where])
            consumer.seek(where, place.offset)
            assert (await consumer.getone()).value == record.value


async def test_a_group_survives_a_lost_sequence(
    settings: Settings, producer: SupervisedProducer
) -> None:
    """A new producer sends what the old one could not."""
    topic, before = settings.topics.lead_events, PRODUCERS_REPLACED._value.get()
    records = [Record(topic, b"%d" % n, b"%d" % n) for n in range(40)]
    [place, *_] = await producer.deliver(records)
    assert producer._producer is not None
    producer._producer._txn_manager.increment_sequence_number(place.topic_partition, 5)
    assert len(await producer.deliver(records)) == 40
    assert PRODUCERS_REPLACED._value.get() == before + 1


async def test_a_record_that_kafka_never_takes_is_poison(
    settings: Settings, producer: SupervisedProducer
) -> None:
    """As when it is sent by itself."""
    topic = settings.topics.lead_events
    with pytest.raises(PoisonError):
        await producer.deliver([Record(topic, b"a", b"k"), Record(topic, b"x" * 2_000_000, b"k")])

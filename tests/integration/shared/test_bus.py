"""Producers, consumers and topics against a real broker."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.structs import TopicPartition

from shared.bus import (
    PRODUCERS_REPLACED,
    Record,
    SupervisedProducer,
    create_consumer,
    create_producer,
    ensure_topics,
)
from shared.errors import PoisonError, TryAgainError
from shared.settings import Settings


async def test_topics_are_made_once_and_left_alone_after(settings: Settings) -> None:
    """A second call finds nothing to do."""
    assert await ensure_topics(settings) == []


async def test_delivered_records_keep_their_order(settings: Settings) -> None:
    """Records of one key come back as they were sent."""
    producer = SupervisedProducer(lambda: create_producer(settings))
    await producer.start()
    topic = settings.topics.lead_events
    records = [Record(topic, str(n).encode(), b"lead", [("n", b"1")]) for n in range(500)]
    placed = await producer.deliver(records)
    await producer.stop()
    assert [each.offset for each in placed] == list(range(500))
    assert await _values(settings, topic, placed[0].partition) == [str(n) for n in range(500)]


async def test_a_producer_that_lost_its_sequence_is_replaced(settings: Settings) -> None:
    """After OutOfOrderSequence a new producer delivers what the old one could not."""
    producer = SupervisedProducer(lambda: create_producer(settings))
    await producer.start()
    topic = settings.topics.lead_events
    before = PRODUCERS_REPLACED._value.get()
    for word in (b"one", b"two"):
        placed = await producer.send(Record(topic, word, b"lead"))
    assert producer._producer is not None
    producer._producer._txn_manager.increment_sequence_number(placed.topic_partition, 5)
    placed = await producer.send(Record(topic, b"three", b"lead"))
    await producer.stop()
    assert PRODUCERS_REPLACED._value.get() == before + 1
    assert await _values(settings, topic, placed.partition) == ["one", "two", "three"]


async def test_a_record_too_large_is_poison(settings: Settings) -> None:
    """Sending it again would not help, so the error says so."""
    producer = SupervisedProducer(lambda: create_producer(settings))
    await producer.start()
    with pytest.raises(PoisonError):
        await producer.send(Record(settings.topics.lead_events, b"x" * 2_000_000))
    await producer.stop()


async def test_without_a_broker_a_producer_says_try_again(settings: Settings) -> None:
    """A broker that is away is no fault of the data."""
    away = settings.model_copy(update={"kafka_bootstrap_servers": "127.0.0.1:9"})
    producer = SupervisedProducer(lambda: create_producer(away))
    with pytest.raises(TryAgainError):
        await producer.start()
    with pytest.raises(TryAgainError):
        await producer.send(Record("any", b"x"))


async def test_stopping_ends_even_when_nothing_can_be_flushed(settings: Settings) -> None:
    """aiokafka would wait for ever for a topic without a leader; we let go after the limit."""
    producer = SupervisedProducer(lambda: create_producer(settings))
    await producer.start()
    assert producer._producer is not None
    producer._producer._sender._muted_partitions.update(
        TopicPartition(settings.topics.dead_letter, n) for n in range(1)
    )
    with pytest.raises(TryAgainError):
        await producer.send(Record(settings.topics.dead_letter, b"x"), timeout_seconds=0.3)
    async with asyncio.timeout(60):
        await producer.stop(timeout_seconds=0.5)


async def _values(settings: Settings, topic: str, partition: int) -> list[str]:
    consumer = create_consumer(settings, auto_offset_reset="earliest")
    await consumer.start()
    try:
        where = TopicPartition(topic, partition)
        consumer.assign([where])
        end = (await consumer.end_offsets([where]))[where]
        found: list[str] = []
        async with asyncio.timeout(60):
            while await consumer.position(where) < end:
                batch = await consumer.getmany(where, timeout_ms=100)
                found += [record.value.decode() for record in batch.get(where, [])]
        return found
    finally:
        await consumer.stop()

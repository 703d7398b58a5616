"""Reading back what a shard's former owner put on the topics, so that nothing goes out twice."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.router.away import KAFKA_ERRORS
from services.router.outbox import Offsets
from shared.bus import create_consumer
from shared.errors import TryAgainError
from shared.ids import shard_of
from shared.settings import Settings

# Another owner's open transaction may hide what comes after it: until it is aborted.
READ_SECONDS = 90.0
ASK_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Found:
    """A message on a topic."""

    id: str
    lead_id: str
    data: bytes


async def end_offsets(settings: Settings, consumer: AIOKafkaConsumer) -> Offsets:
    """Where each partition of the three topics ends now, open transactions included.

    consumer: without isolation, started. Raises TryAgainError while Kafka is away.
    """
    try:
        async with asyncio.timeout(ASK_SECONDS):
            ends = await consumer.end_offsets(await _partitions(settings, consumer))
    except KAFKA_ERRORS as error:
        raise TryAgainError(f"the topics can't be asked: {error!r}") from error
    return {f"{place.topic}/{place.partition}": offset for place, offset in ends.items()}


async def read_back(
    settings: Settings, shard: int, since: Offsets, until: Offsets
) -> AsyncIterator[list[Found]]:
    """The committed messages of a shard from `since` up to `until`, in batches.

    A partition that isn't in `since` is read from its beginning. Raises TryAgainError when the end
    can't be reached in time.
    """
    consumer = create_consumer(
        settings, isolation_level="read_committed", max_partition_fetch_bytes=4 * 1024 * 1024
    )
    try:
        async with asyncio.timeout(READ_SECONDS):
            await consumer.start()
            unread = await _seek(settings, consumer, since, until)
            while unread:
                batch = await consumer.getmany(*unread, timeout_ms=200, max_records=2_000)
                found = [_found(record) for records in batch.values() for record in records]
                mine = [each for each in found if _is_of(each, shard, settings.router_shards)]
                if mine:
                    yield mine
                for place in list(unread):
                    if await consumer.position(place) >= unread[place]:
                        del unread[place]
    except KAFKA_ERRORS as error:
        raise TryAgainError(f"the topics can't be read back: {error!r}") from error
    finally:
        with contextlib.suppress(*KAFKA_ERRORS):
            await asyncio.wait_for(consumer.stop(), 5.0)


async def _partitions(settings: Settings, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
    names = settings.topics
    places: list[TopicPartition] = []
    for topic in (names.stage_changed, names.handoff_content, names.handoff_sales):
        await consumer._client._wait_on_metadata(topic)
        partitions = consumer.partitions_for_topic(topic) or set()
        places.extend(TopicPartition(topic, partition) for partition in sorted(partitions))
    return places


async def _seek(
    settings: Settings, consumer: AIOKafkaConsumer, since: Offsets, until: Offsets
) -> dict[TopicPartition, int]:
    """Assign and seek what there is to read; return where to stop on each partition."""
    places = await _partitions(settings, consumer)
    starts = await consumer.beginning_offsets(places)
    unread: dict[TopicPartition, int] = {}
    begin: dict[TopicPartition, int] = {}
    for place in places:
        name = f"{place.topic}/{place.partition}"
        end = until.get(name, 0)
        at = since.get(name, 0)
        if at > end:
            at = 0  # the topic was made anew
        at = max(at, starts[place])
        if at < end:
            unread[place], begin[place] = end, at
    consumer.assign(list(unread))
    for place, at in begin.items():
        consumer.seek(place, at)
    return unread


def _found(record: Any) -> Found:
    headers: Sequence[tuple[str, bytes]] = record.headers
    return Found(
        id=dict(headers).get("ce_id", b"").decode(errors="replace"),
        lead_id=(record.key or b"").decode(errors="replace"),
        data=record.value or b"",
    )


def _is_of(found: Found, shard: int, shards: int) -> bool:
    try:
        return shard_of(UUID(found.lead_id), shards) == shard
    except ValueError:
        return False  # not one of ours: somebody else wrote to the topic

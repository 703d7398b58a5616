"""Ways to hand records to a producer and wait until Kafka has acknowledged them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.structs import RecordMetadata


class Record(msgspec.Struct, frozen=True):
    """What is to be sent. `headers`: (name, bytes) pairs."""

    topic: str
    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = ()
    partition: int | None = None
    timestamp_ms: int | None = None


# Sends what isn't done, fills `done` at the same places, and returns the first error.
Attempt = Callable[
    [AIOKafkaProducer, Sequence[Record], list[RecordMetadata | None]],
    Awaitable[BaseException | None],
]


async def attempt_each(
    producer: AIOKafkaProducer, records: Sequence[Record], done: list[RecordMetadata | None]
) -> BaseException | None:
    """Record by record, in their order."""
    waiting: list[tuple[int, asyncio.Future[RecordMetadata]]] = []
    first: BaseException | None = None
    for index, record in enumerate(records):
        if done[index] is not None:
            continue
        try:
            future = await producer.send(
                record.topic,
                record.value,
                record.key,
                record.partition,
                record.timestamp_ms,
                list(record.headers),
            )
        except (KafkaError, OSError, AssertionError) as error:
            first = error
            break
        waiting.append((index, future))
    answers = await asyncio.gather(*(future for _, future in waiting), return_exceptions=True)
    for (index, _), answer in zip(waiting, answers, strict=True):
        if isinstance(answer, BaseException):
            first = first or answer
        else:
            done[index] = answer
    return first

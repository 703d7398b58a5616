"""Kafka: producers, consumers and topics with the settings that keep our promises."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, codec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerFenced,
    UnknownProducerId,
    for_code,
)
from aiokafka.structs import RecordMetadata
from prometheus_client import Counter

from shared.errors import PoisonError, TryAgainError
from shared.sending import Attempt, attempt_each
from shared.sending import Record as Record
from shared.settings import Settings
from shared.topics import Topic

log = structlog.get_logger()

PRODUCERS_REPLACED = Counter(
    "leadscore_kafka_producers_replaced",
    "Producers given up because the broker lost their sequence",
)

# After these the producer fails every later send on that partition: only a new one helps.
_WEDGED = (OutOfOrderSequenceNumber, UnknownProducerId, ProducerFenced)
# Copies of each topic, where the cluster has that many brokers. (Asking for the cluster's own
# default takes a newer request than aiokafka 0.14 knows.)
REPLICAS = 3
# aiokafka packs at lz4's level 9 and has no setting: level 1 is as good here, in a quarter of the
# time (0.89 to 0.86 kB for three events, 3.5 to 14 µs).
codec.lz4_encode.__defaults__ = (1,)
_ACCEPTABLE_TOPIC_ERRORS = ("NoError", "TopicAlreadyExistsError")


def _connection(settings: Settings) -> dict[str, Any]:
    return {"bootstrap_servers": settings.kafka_bootstrap_servers, "retry_backoff_ms": 200}


def create_producer(settings: Settings, **over: Any) -> AIOKafkaProducer:
    """A producer whose acknowledgement means something: acks=all, idempotent, lz4.

    Call it where a loop runs; it is not started yet.
    """
    options: dict[str, Any] = {
        **_connection(settings),
        "acks": "all",
        "enable_idempotence": True,
        "compression_type": "lz4",
        "linger_ms": 2,
        "max_batch_size": 256 * 1024,
        "max_request_size": 1024 * 1024,
        "request_timeout_ms": 15_000,
        **over,
    }
    return AIOKafkaProducer(**options)


def create_consumer(settings: Settings, *topics: str, **over: Any) -> AIOKafkaConsumer:
    """A consumer that never commits or skips by itself; it is not started yet.

    With a group id, and an instance name in the settings, membership is static: a restart within
    45 seconds moves no partition. Readers of transactions pass isolation_level="read_committed".
    """
    options: dict[str, Any] = {
        **_connection(settings),
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "session_timeout_ms": 45_000,
        "heartbeat_interval_ms": 3_000,
        "max_poll_interval_ms": 300_000,
        # One fetch is in flight per broker: a long poll for idle partitions holds up a busy one.
        "fetch_max_wait_ms": 20,
        "request_timeout_ms": 60_000,
        **over,
    }
    if options.get("group_id") and settings.instance:
        options.setdefault("group_instance_id", f"{options['group_id']}-{settings.instance}")
    return AIOKafkaConsumer(*topics, **options)


@contextlib.asynccontextmanager
async def admin_client(settings: Settings, **over: Any) -> Any:
    """A started admin client, closed afterwards. Raises KafkaError while no broker answers."""
    admin = AIOKafkaAdminClient(**{**_connection(settings), "request_timeout_ms": 10_000, **over})
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def ensure_topics(settings: Settings) -> list[str]:
    """Create the topics that are missing; return their names. Existing ones stay as they are.

    Raises TryAgainError while the cluster can't be asked.
    """
    table = settings.topics.table(settings.event_partitions)
    try:
        async with admin_client(settings) as admin:
            present = set(await admin.list_topics())
            missing = [topic for topic in table if topic.name not in present]
            if missing:
                replicas = min(REPLICAS, len((await admin.describe_cluster())["brokers"]))
                answer = await admin.create_topics([_new_topic(t, replicas) for t in missing])
                _check_created(answer)
                await _wait_for_leaders(admin, [topic.name for topic in missing])
    except (KafkaError, OSError) as error:
        raise TryAgainError(f"topics can't be made now: {error!r}") from error
    return [topic.name for topic in missing]


def _new_topic(topic: Topic, replicas: int) -> NewTopic:
    return NewTopic(topic.name, topic.partitions, replicas, topic_configs=topic.config)


def _check_created(answer: Any) -> None:
    for name, code, *message in answer.topic_errors:
        error = for_code(code)
        if error.__name__ not in _ACCEPTABLE_TOPIC_ERRORS:
            raise error(f"topic {name}: {message}")


async def _wait_for_leaders(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """A new topic can be written to once each partition has a leader: usually within 100 ms."""
    for _ in range(200):
        described = await admin.describe_topics(names)
        if all(
            topic["error_code"] == 0
            and topic["partitions"]
            and all(partition["leader"] >= 0 for partition in topic["partitions"])
            for topic in described
        ):
            return
        await asyncio.sleep(0.05)
    raise TryAgainError(f"topics have no leader yet: {', '.join(names)}")


class SupervisedProducer:
    """A producer that is replaced when the broker has lost its sequence.

    aiokafka never recovers from that by itself. What was not acknowledged is sent again by the new
    producer, so records must carry ids by which a reader can tell a copy.
    """

    def __init__(
        self, make: Callable[[], AIOKafkaProducer], attempt: Attempt = attempt_each
    ) -> None:
        self._make = make
        self._attempt = attempt
        self._producer: AIOKafkaProducer | None = None
        self._replacing = asyncio.Lock()

    async def start(self) -> None:
        """Connect. Raises TryAgainError while no broker answers."""
        producer = self._make()
        try:
            await producer.start()
        except (KafkaError, OSError, AssertionError) as error:
            await close_producer(producer, 1.0)
            raise TryAgainError(f"no broker answers: {error!r}") from error
        self._producer = producer

    async def reachable(self, timeout_seconds: float = 2.0) -> bool:
        """Does a broker answer now? Asks for metadata, writes nothing."""
        producer = self._producer
        if producer is None:
            return False
        try:
            return bool(
                await asyncio.wait_for(producer.client.force_metadata_update(), timeout_seconds)
            )
        except (KafkaError, OSError, TimeoutError):
            return False

    async def stop(self, timeout_seconds: float = 5.0) -> None:
        """Flush for at most so long, then let go: an idempotent producer would wait for ever."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await close_producer(producer, timeout_seconds)

    async def send(self, record: Record, timeout_seconds: float = 10.0) -> RecordMetadata:
        """Send one record and wait for its acknowledgement; errors as in `deliver`."""
        return (await self.deliver([record], timeout_seconds))[0]

    async def deliver(
        self, records: Sequence[Record], timeout_seconds: float = 10.0
    ) -> list[RecordMetadata]:
        """Send records in this order and wait until all are acknowledged.

        Raises TryAgainError when that did not happen in time: each record may have been written or
        not, so send again with the same ids. Raises PoisonError for a record the broker will never
        take.
        """
        done: list[RecordMetadata | None] = [None] * len(records)
        try:
            async with asyncio.timeout(timeout_seconds):
                for _ in range(3):
                    producer = self._producer
                    if producer is None:
                        raise TryAgainError("the producer is not started")
                    error = await self._attempt(producer, records, done)
                    if error is None:
                        return [each for each in done if each is not None]
                    if not _is_wedged(producer, error):
                        raise _our_error(error)
                    await self._replace(producer, error)
        except TimeoutError as error:
            raise TryAgainError(f"no acknowledgement within {timeout_seconds} s") from error
        raise TryAgainError("the broker keeps losing the producer's sequence")

    async def _replace(self, broken: AIOKafkaProducer, why: BaseException) -> None:
        async with self._replacing:
            if self._producer is not broken:
                return  # somebody else already did
            log.warning("kafka producer replaced", error=type(why).__name__)
            PRODUCERS_REPLACED.inc()
            fresh = self._make()
            try:
                await fresh.start()
            except (KafkaError, OSError, AssertionError) as error:
                await close_producer(fresh, 1.0)
                raise TryAgainError(f"no broker answers: {error!r}") from error
            except BaseException:
                await close_producer(fresh, 1.0)
                raise
            self._producer = fresh
        await close_producer(broken, 1.0)


def _is_wedged(producer: AIOKafkaProducer, error: BaseException) -> bool:
    if isinstance(error, _WEDGED):
        return True
    task = getattr(producer, "_sender", None) and producer._sender.sender_task
    return task is not None and task.done()


def _our_error(error: BaseException) -> Exception:
    if isinstance(error, MessageSizeTooLargeError):
        return PoisonError("record_too_large", str(error))
    return TryAgainError(f"not acknowledged: {error!r}")


async def close_producer(producer: AIOKafkaProducer, timeout_seconds: float) -> None:
    """Stop a producer, flushing for at most so long, then cut its connections."""
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(producer.stop(), timeout_seconds)
        return
    sender = producer._sender.sender_task
    if sender is not None:
        sender.cancel()
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        await asyncio.wait_for(producer.client.close(), timeout_seconds)

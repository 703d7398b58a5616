"""The scorer's wiring: settings in, a running process out."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from typing import Any

import asyncpg
import structlog
import uvloop
from aiokafka import AIOKafkaConsumer

from services.scorer.clockwork import TICK_SECONDS, Clockwork, every
from services.scorer.dead_letters import DeadLetters
from services.scorer.identity_cache import IdentityCache
from services.scorer.intake import Intake
from services.scorer.live_ruleset import LiveRuleset
from services.scorer.partings import Partings
from services.scorer.patience import Patience
from services.scorer.plan import Limits
from services.scorer.resends import Resends
from services.scorer.retention.keeper import Keeper
from services.scorer.scene import Scene
from services.scorer.taking import Taker
from shared.bus import SupervisedProducer, admin_client, create_consumer, create_producer
from shared.database import create_engine, dsn
from shared.health import Health, serve_health
from shared.ids import new_lead_id
from shared.logs import configure_logs
from shared.settings import Settings

log = structlog.get_logger()
# Large fetches make large batches, and the batch is what costs.
FETCH_BYTES = 16 * 1024 * 1024
RULESET_POLL_SECONDS = 1.0
GARBAGE_SECONDS = 20.0
AUDIT_POLL_SECONDS = 10.0
RETENTION_POLL_SECONDS = 1.0
STOP_SECONDS = 10.0


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, with the batch in flight finished. Any unforeseen error ends
    the process with a traceback; a supervisor starts it again.
    """
    configure_logs(settings, "scorer")
    calm_garbage_collection()
    uvloop.run(score_until_stopped(settings))


def calm_garbage_collection() -> None:
    """A batch makes a hundred thousand objects, none of them in cycles. Looking for cycles at
    Python's default pace costs a third of the decoding time (measured), so it is done by the clock.
    """
    gc.freeze()
    gc.disable()


async def score_until_stopped(settings: Settings) -> None:
    """The scorer as a coroutine."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    health = Health.waiting_for("kafka", "postgres", "ruleset")
    server = asyncio.create_task(serve_health(settings, health))
    try:
        async with contextlib.AsyncExitStack() as stack:
            intake, clockwork, ruleset, keeper = await _wire(settings, health, stack)
            await _run_tasks(settings, stopping, intake, clockwork, ruleset, keeper)
    finally:
        server.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await server
    log.info("stopped")


async def _wire(
    settings: Settings, health: Health, stack: contextlib.AsyncExitStack
) -> tuple[Intake, Clockwork, LiveRuleset, Keeper]:
    topic = settings.topics.lead_events
    engine = create_engine(settings, pool_size=1, max_overflow=1)
    stack.push_async_callback(engine.dispose)
    ruleset = LiveRuleset(engine)

    def postgres_is(ok: bool, why: str) -> None:
        health.set("postgres", ok, why)

    def kafka_is(ok: bool, why: str) -> None:
        health.set("kafka", ok, why)

    patience = Patience(ruleset, postgres_is)
    await patience.through(ruleset.refresh)
    health.set("ruleset", True)
    pool = await patience.through(lambda: _pool(settings))
    stack.push_async_callback(pool.close)
    producer = SupervisedProducer(lambda: create_producer(settings))
    await patience.through(producer.start)
    stack.push_async_callback(producer.stop)
    cluster_id = await patience.through(lambda: _cluster_id(settings))

    hash_key = settings.hash_key.get_secret_value().encode()
    identities, resends, partings = IdentityCache(), Resends(), Partings(hash_key)
    limits = Limits(settings.identity_max_people, settings.identity_max_identifiers)

    def scene() -> Scene:
        return Scene(
            ruleset.current,
            clockwork.watermark_ms,
            settings.router_shards,
            new_lead_id,
            ruleset.hand_off,
            identities,
            resends,
            ruleset.accounts,
            limits,
            hash_key,
            keeper.oldest_ms,
            partings,
        )

    hash_key = settings.hash_key.get_secret_value().encode()
    taker = Taker(pool, patience, DeadLetters(settings, producer), scene, hash_key)
    consumer = create_consumer(
        settings,
        group_id=settings.topic_prefix + settings.consumer_group,
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_bytes=4 * FETCH_BYTES,
    )
    intake = Intake(
        consumer, topic, cluster_id, pool, patience, taker, settings.batch_max_events, kafka_is
    )
    clockwork = Clockwork(pool, topic, intake, patience, ruleset, health, scene)
    keeper = Keeper(settings, clockwork.transact, scene)
    await consumer.start()
    stack.push_async_callback(_stop, consumer)
    return intake, clockwork, ruleset, keeper


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Leave the group. While a broker is away, aiokafka's stop lets out the cancellation of its own
    tasks: that must not end us with an error.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait({stopping}, timeout=STOP_SECONDS)
    if not stopping.done():
        stopping.cancel()
    elif not stopping.cancelled() and (error := stopping.exception()) is not None:
        log.warning("the consumer did not stop well", error_class=type(error).__name__)


async def _pool(settings: Settings) -> asyncpg.Pool[Any]:
    return await asyncpg.create_pool(
        dsn(settings),
        min_size=1,
        max_size=5,
        command_timeout=120,
        server_settings={"application_name": settings.instance or "leadscore-scorer"},
    )


async def _cluster_id(settings: Settings) -> str:
    async with admin_client(settings) as admin:
        described = await admin.describe_cluster()
    return str(described.get("cluster_id") or "")


async def _run_tasks(
    settings: Settings,
    stopping: asyncio.Event,
    intake: Intake,
    clockwork: Clockwork,
    ruleset: LiveRuleset,
    keeper: Keeper,
) -> None:
    patience = clockwork.patience

    async def tick() -> None:
        await patience.through(clockwork.watermark)
        await clockwork.timers()

    async def newer_ruleset() -> None:
        await patience.through(ruleset.refresh)
        await clockwork.recalculation()

    async def audit_result() -> None:
        await patience.through(clockwork.audit_result)

    async def collect_garbage() -> None:
        gc.collect()

    async def watch() -> None:
        await clockwork.watchdog(settings.stall_limit_seconds)

    async with asyncio.TaskGroup() as group:
        group.create_task(every(TICK_SECONDS, tick, stopping))
        group.create_task(every(TICK_SECONDS, clockwork.accounts, stopping))
        group.create_task(every(RULESET_POLL_SECONDS, newer_ruleset, stopping))
        group.create_task(every(1.0, watch, stopping))
        group.create_task(every(AUDIT_POLL_SECONDS, audit_result, stopping))
        group.create_task(every(RETENTION_POLL_SECONDS, keeper.tick, stopping))
        group.create_task(every(GARBAGE_SECONDS, collect_garbage, stopping))
        group.create_task(_ending(intake.run(stopping), stopping))
        log.info("started")


async def _ending(work: Any, stopping: asyncio.Event) -> None:
    try:
        await work
    finally:
        stopping.set()
